package org.vportd.serial;

import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_F_EMERG_WRITE;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_F_MULTIPORT;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_F_SIZE;
import static org.vportd.virtio.VirtioFeature.mask;

import org.vportd.chardev.ConfigException;
import org.vportd.virtio.VirtioFeature;

/**
 * What a device is to be, in the words of {@code -device virtio-serial}.
 *
 * @param id the id of the device; its bus is {@code id.0}
 * @param maxPorts the most ports; range 1 to {@link ConsoleLayout#MAX_PORTS}
 * @param emergencyWrite whether a character can be put out through configuration space
 * @param indirect whether VIRTIO_F_INDIRECT_DESC is offered
 * @param eventIdx whether VIRTIO_F_EVENT_IDX is offered
 * @param packed whether VIRTIO_F_RING_PACKED is offered
 * @param inOrder whether VIRTIO_F_IN_ORDER is offered; buffers are used in order in any case
 * @param consoleSize whether VIRTIO_CONSOLE_F_SIZE is offered, and what messages about it look like
 */
public record SerialOptions(
        String id,
        int maxPorts,
        boolean emergencyWrite,
        boolean indirect,
        boolean eventIdx,
        boolean packed,
        boolean inOrder,
        ConsoleSize consoleSize) {
    /** What QEMU's device has. */
    public static final int DEFAULT_MAX_PORTS = 31;

    /** The defaults of QEMU's device. */
    public static SerialOptions defaults() {
        return new SerialOptions("virtio-serial0", DEFAULT_MAX_PORTS, true, true, true, false, false, ConsoleSize.OFF);
    }

    /** The same with another number of ports. */
    public SerialOptions withMaxPorts(int ports) {
        return new SerialOptions(id, ports, emergencyWrite, indirect, eventIdx, packed, inOrder, consoleSize);
    }

    /** The same with the size of consoles told in another way. */
    public SerialOptions withConsoleSize(ConsoleSize how) {
        return new SerialOptions(id, maxPorts, emergencyWrite, indirect, eventIdx, packed, inOrder, how);
    }

    /** The same with other ring formats on offer. */
    public SerialOptions withRings(boolean offerPacked, boolean offerInOrder) {
        return new SerialOptions(
                id, maxPorts, emergencyWrite, indirect, eventIdx, offerPacked, offerInOrder, consoleSize);
    }

    /** The name of the bus, which messages speak of. */
    public String bus() {
        return id + ".0";
    }

    /** The feature bits that a device like that offers. */
    long features() {
        long features = mask(VirtioFeature.VIRTIO_F_VERSION_1);
        features |= maxPorts > 1 ? mask(VIRTIO_CONSOLE_F_MULTIPORT) : 0;
        features |= consoleSize != ConsoleSize.OFF ? mask(VIRTIO_CONSOLE_F_SIZE) : 0;
        features |= emergencyWrite ? mask(VIRTIO_CONSOLE_F_EMERG_WRITE) : 0;
        features |= indirect ? mask(VirtioFeature.VIRTIO_F_INDIRECT_DESC) : 0;
        features |= eventIdx ? mask(VirtioFeature.VIRTIO_F_EVENT_IDX) : 0;
        features |= packed ? mask(VirtioFeature.VIRTIO_F_RING_PACKED) : 0;
        features |= inOrder ? mask(VirtioFeature.VIRTIO_F_IN_ORDER) : 0;
        return features;
    }

    void check() throws ConfigException {
        if (maxPorts <= 0) {
            throw new ConfigException("Maximum number of serial ports not specified", "max_ports=" + maxPorts);
        }
        if (maxPorts > ConsoleLayout.MAX_PORTS) {
            throw new ConfigException("maximum ports supported: " + ConsoleLayout.MAX_PORTS, "max_ports=" + maxPorts);
        }
    }
}
