package org.vportd.vhostuser.frontend;

import static org.vportd.virtio.VirtioFeature.mask;

import java.io.IOException;
import org.vportd.serial.ConsoleLayout;
import org.vportd.virtio.VirtioFeature;

/** What a driver of the console agrees upon with the device before there are queues. */
final class ConsoleNegotiation {
    private static final int MAX_QUEUES = 256;

    private ConsoleNegotiation() {}

    /**
     * The features that a driver takes of those on offer.
     *
     * @throws FrontendException if one is not on offer that it cannot do without
     */
    static long chooseFeatures(VhostUserFrontend frontend, ConsoleOptions options) throws FrontendException {
        long wanted = mask(VirtioFeature.VIRTIO_F_VERSION_1)
                | mask(ConsoleLayout.VIRTIO_CONSOLE_F_SIZE)
                | (options.multiport() ? mask(ConsoleLayout.VIRTIO_CONSOLE_F_MULTIPORT) : 0)
                | (options.eventIdx() ? mask(VirtioFeature.VIRTIO_F_EVENT_IDX) : 0)
                | (options.indirect() ? mask(VirtioFeature.VIRTIO_F_INDIRECT_DESC) : 0)
                | options.format().features()
                | (options.iommu() ? mask(VirtioFeature.VIRTIO_F_ACCESS_PLATFORM) : 0);
        long features = frontend.offeredFeatures() & wanted;
        demand("VIRTIO_F_VERSION_1", mask(VirtioFeature.VIRTIO_F_VERSION_1), frontend);
        demand(options.format().toString(), options.format().features(), frontend);
        if (options.iommu()) {
            demand("VIRTIO_F_ACCESS_PLATFORM", mask(VirtioFeature.VIRTIO_F_ACCESS_PLATFORM), frontend);
        }
        return frontend.hasConfig() ? features : features & ~mask(ConsoleLayout.VIRTIO_CONSOLE_F_MULTIPORT);
    }

    private static void demand(String what, long features, VhostUserFrontend frontend) throws FrontendException {
        long offered = frontend.offeredFeatures();
        if ((features & ~offered) != 0) {
            throw new FrontendException("device does not offer " + what + ": features=0x" + Long.toHexString(offered));
        }
    }

    /**
     * The number of ports that configuration space tells, as far as there are queues for them.
     *
     * <p>What is read is as the manner has it: the whole, all up to the end of the field, or the field alone.
     */
    static int readMaxPorts(VhostUserFrontend frontend) throws IOException {
        int offset = ConsoleLayout.MAX_NR_PORTS_OFFSET;
        byte[] config = switch (frontend.options().manner()) {
            case QEMU -> frontend.readConfig(0, ConsoleLayout.CONFIG_LENGTH_EMERG_WRITE);
            case UML -> frontend.readConfig(0, offset + Integer.BYTES);
            case CROSVM, CLOUD_HYPERVISOR -> {
                byte[] padded = new byte[offset + Integer.BYTES];
                System.arraycopy(frontend.readConfig(offset, Integer.BYTES), 0, padded, offset, Integer.BYTES);
                yield padded;
            }
        };
        int limit = Math.min(frontend.queueCount(), MAX_QUEUES) / 2 - 1;
        int maxPorts = 0;
        for (int i = Integer.BYTES - 1; i >= 0; i--) {
            maxPorts = maxPorts << Byte.SIZE | (config[offset + i] & 0xff);
        }
        if (maxPorts < 1) {
            throw new FrontendException("device has a bad number of ports: max_nr_ports=" + maxPorts);
        }
        return Math.max(1, Math.min(maxPorts, limit));
    }
}
