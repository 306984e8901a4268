package org.vportd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vportd.virtio.VirtioFeature;

/** The packaged daemon serves real Linux guests in QEMU. */
@Tag("guest")
class GuestInQemuIT {
    /** Run by the profile {@code soak}: what it shows, another kind of guest shows in every run. */
    private static final String LONG = "long";

    private static Guest qemu(Path socket, Path dir, int numVqs) throws IOException {
        return Guest.qemu(socket, dir, numVqs, "-qmp", "unix:" + dir.resolve("qmp") + ",server=on,wait=off");
    }

    private static Qmp connectMonitor(RigTests tests) throws Exception {
        return Qmp.connect(tests.rig().dir().resolve("qmp"));
    }

    /** QEMU's monitor stops the machine again and again while data moves both ways. */
    private static void assertNothingIsLostWhenStopped(RigTests tests) throws Exception {
        long size = RigTests.SIZE;
        Duration transfer = RigTests.TRANSFER;
        try (HostPeer peer = tests.openBothEnds();
                Qmp monitor = connectMonitor(tests)) {
            Future<String> sent = tests.rig().inBackground(() -> peer.send(size, 21, transfer));
            Console.Pending both = tests.rig()
                    .console()
                    .start("portsend 5 " + size + " 22 >/tmp/sent & portrecv 5 " + size + "; wait $!; cat /tmp/sent");
            MessageDigest received = TestPattern.newDigest();
            int stops = 8;
            for (int i = 0; i < stops; i++) {
                received.update(peer.receiveBytes(1 << 20, transfer));
                monitor.execute("stop");
                assertFalse(sent.isDone() && i == 0, "too late to stop anything");
                monitor.execute("cont");
            }
            received.update(peer.receiveBytes((int) (size - ((long) stops << 20)), transfer));

            String output = tests.rig().console().finish(both, transfer).output();
            RigTests.assertTransfer(21, size, output.lines().findFirst().orElse(""));
            RigTests.assertTransfer(22, size, output.lines().skip(1).findFirst().orElse(""));
            assertEquals(RigTests.pattern(22, size), TestPattern.hex(received));
            assertEquals(RigTests.pattern(21, size), RigTests.await(sent));
        }
    }

    /** QEMU, which takes what is offered, with packed rings. */
    @Nested
    class QemuWithPackedRings extends RingTests {
        QemuWithPackedRings() {
            super(GuestInQemuIT::qemu, ",packed=on,in_order=on");
        }

        @Test
        void shouldHaveNegotiatedPackedRings() throws Exception {
            assertTrue(VirtioFeature.has(negotiated("features"), VirtioFeature.VIRTIO_F_RING_PACKED));
        }

        @Test
        void shouldLoseNothingWhenMachineIsStoppedInTheMiddle() throws Exception {
            assertNothingIsLostWhenStopped(this);
        }
    }

    /** QEMU's machine without PCI, and rings without event indexes and indirect descriptors. */
    @Nested
    @Tag(LONG)
    class MicrovmWithPlainRings extends RigTests {
        MicrovmWithPlainRings() {
            super(Guest::microvm, ",event_idx=off,indirect_desc=off");
        }

        @Test
        void shouldMoveDataBeforeAndAfterReboot() throws Exception {
            long features = negotiated("features");
            assertFalse(VirtioFeature.has(features, VirtioFeature.VIRTIO_F_EVENT_IDX));
            assertFalse(VirtioFeature.has(features, VirtioFeature.VIRTIO_F_INDIRECT_DESC));
            try (HostPeer peer = openBothEnds()) {
                assertBothWays(peer, 31);
                rig().reboot();
                rig().openPort();
                rig().awaitPeer("up");
                assertBothWays(peer, 33);
            }
        }
    }

    /** QEMU with split rings, where one thing more is possible: its monitor stops the machine and resets it. */
    @Nested
    class Qemu extends GuestTests {
        Qemu() {
            super(GuestInQemuIT::qemu);
        }

        @Test
        void shouldLoseNothingWhenMachineIsStoppedInTheMiddle() throws Exception {
            assertNothingIsLostWhenStopped(this);
        }

        @Test
        void shouldGiveOnlyFreshDataWhenPeerChangesWhileMachineIsStopped() throws Exception {
            try (HostPeer first = openBothEnds();
                    Qmp monitor = connectMonitor(this)) {
                String writer = run("portsend 5 " + SIZE + " 24 >/tmp/sent & echo $!");
                rig().awaitInGuest(PORT_IS_FULL, "port never fills");
                monitor.execute("stop");
                first.leave();
                try (HostPeer second = rig().connectPeer()) {
                    monitor.execute("cont");

                    assertOnlyFresh(second, writer, 24);
                    assertBothWays(second, 25);
                }
            }
        }

        @Test
        void shouldWorkAgainWhenMachineIsReset() throws Exception {
            try (HostPeer peer = openBothEnds();
                    Qmp monitor = connectMonitor(this)) {
                String unused = run("echo before >/tmp/boot");
                monitor.execute("system_reset");
                rig().awaitGuest();

                assertEquals("", run("cat /tmp/boot 2>/dev/null || true"));
                rig().openPort();
                rig().awaitPeer("up");
                assertBothWays(peer, 23);
            }
        }
    }
}
