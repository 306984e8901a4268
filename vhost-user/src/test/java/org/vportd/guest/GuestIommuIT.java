package org.vportd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.vportd.virtio.VirtioFeature;

/** Real guests that map each buffer for its use through QEMU's IOMMU. */
@Tag("guest")
class GuestIommuIT {
    /** Run by the profile {@code soak}: what it shows, another kind of guest shows in every run. */
    private static final String LONG = "long";

    private static final long SIZE = 4 << 20;
    private static final Duration TRANSFER = Duration.ofSeconds(40);
    private static final Duration SHORT = Duration.ofSeconds(10);

    private static Rig.Starter qemu(String iommuOptions, String deviceOptions) {
        return (socket, dir, numVqs) -> start(socket, dir, numVqs, iommuOptions, deviceOptions);
    }

    private static Guest start(Path socket, Path dir, int numVqs, String iommuOptions, String deviceOptions)
            throws IOException {
        return Guest.qemuWith(
                dir,
                List.of(
                        "-device",
                        "intel-iommu,intremap=off" + iommuOptions,
                        "-chardev",
                        "socket,id=vhost,path=" + socket.toAbsolutePath(),
                        "-device",
                        "vhost-user-test-device-pci,chardev=vhost,virtio-id=3,num_vqs=" + numVqs
                                + ",config_size=12,iommu_platform=on" + deviceOptions));
    }

    /**
     * In caching mode Linux takes each mapping back as soon as it is no longer used. Rings are so large that it puts them
     * together from pages that are apart.
     */
    @Nested
    class Strict extends Tests {
        Strict() {
            super(qemu(",caching-mode=on", ",vq_size=1024"), "");
        }
    }

    /** The device's translations go in bundles, on behalf of an IOTLB of its own. Rings are packed. */
    @Nested
    @Tag(LONG)
    class LazyWithPackedRings extends Tests {
        LazyWithPackedRings() {
            super(qemu(",device-iotlb=on", ",ats=on,vq_size=128"), ",packed=on");
        }
    }

    @TestInstance(TestInstance.Lifecycle.PER_CLASS) // the guest and its daemon end with the last test
    abstract static class Tests {
        @RegisterExtension
        final KeptRig kept;

        Tests(Rig.Starter starter, String deviceOptions) {
            kept = new KeptRig(starter, ",iommu_platform=on" + deviceOptions);
        }

        private Rig rig() {
            return kept.rig();
        }

        private static String expected(int seed) {
            return "bytes=" + SIZE + " sha256=" + new TestPattern(seed).sha256(SIZE) + " ms=\\d+";
        }

        @Test
        void shouldMoveDataBothWaysWhenGuestUsesIommu() throws Exception {
            String features = rig().daemon()
                    .awaitLog(Pattern.compile("features=0x([0-9a-f]+) protocol"), SHORT)
                    .group(1);
            long negotiated = Long.parseLong(features, 16);
            assertTrue(VirtioFeature.has(negotiated, VirtioFeature.VIRTIO_F_ACCESS_PLATFORM), features);
            assertEquals("42", rig().console().run("echo $((6 * 7))"));

            rig().openPort();
            try (HostPeer peer = rig().connectPeer()) {
                rig().awaitPeer("up");
                Future<HostPeer.Transfer> received = rig().inBackground(() -> peer.receive(SIZE, TRANSFER));
                String sent = rig().console().run("portsend 5 " + SIZE + " 61", TRANSFER);
                assertTrue(sent.matches(expected(61)), sent);
                assertEquals(
                        new HostPeer.Transfer(SIZE, new TestPattern(61).sha256(SIZE)),
                        received.get(TRANSFER.toMillis(), TimeUnit.MILLISECONDS));
                Future<String> fed = rig().inBackground(() -> peer.send(SIZE, 62, TRANSFER));
                String taken = rig().console().run("portrecv 5 " + SIZE, TRANSFER);
                assertTrue(taken.matches(expected(62)), taken);
                assertEquals(new TestPattern(62).sha256(SIZE), fed.get(TRANSFER.toMillis(), TimeUnit.MILLISECONDS));
            }
            assertEquals("", rig().console().run("dmesg | grep -E 'DMAR:.*fault' || true"));
        }
    }
}
