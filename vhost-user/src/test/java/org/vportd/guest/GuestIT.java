package org.vportd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vportd.virtio.VirtioFeature;

/** The packaged daemon serves real Linux guests. */
@Tag("guest")
class GuestIT {
    private static Guest qemu(Path socket, Path dir, int numVqs) throws IOException {
        return Guest.qemu(socket, dir, numVqs, "-qmp", "unix:" + dir.resolve("qmp") + ",server=on,wait=off");
    }

    /** QEMU with split rings. */
    @Nested
    class Qemu extends QemuTests {
        Qemu() {
            super("");
        }
    }

    /** QEMU, which takes what is offered, with packed rings. */
    @Nested
    class QemuWithPackedRings extends QemuTests {
        QemuWithPackedRings() {
            super(",packed=on,in_order=on");
        }

        @Test
        void shouldHaveNegotiatedPackedRings() throws Exception {
            String features = rig().daemon()
                    .awaitLog(Pattern.compile("features=0x([0-9a-f]+) protocol"), SHORT)
                    .group(1);
            assertTrue(VirtioFeature.has(Long.parseLong(features, 16), VirtioFeature.VIRTIO_F_RING_PACKED), features);
        }
    }

    /** QEMU, where one thing more is possible: its monitor stops the machine and resets it. */
    abstract static class QemuTests extends GuestTests {
        QemuTests(String deviceOptions) {
            super(GuestIT::qemu, deviceOptions);
        }

        private Qmp connectMonitor() throws Exception {
            return Qmp.connect(rig().dir().resolve("qmp"));
        }

        @Test
        void shouldLoseNothingWhenMachineIsStoppedInTheMiddle() throws Exception {
            try (HostPeer peer = openBothEnds();
                    Qmp monitor = connectMonitor()) {
                Future<String> sent = rig().inBackground(() -> peer.send(SIZE, 21, TRANSFER));
                Console.Pending both = rig().console()
                        .start("portsend 5 " + SIZE + " 22 >/tmp/sent & portrecv 5 " + SIZE
                                + "; wait $!; cat /tmp/sent");
                MessageDigest received = TestPattern.newDigest();
                int stops = 8;
                for (int i = 0; i < stops; i++) {
                    received.update(peer.receiveBytes(1 << 20, TRANSFER));
                    monitor.execute("stop");
                    assertFalse(sent.isDone() && i == 0, "too late to stop anything");
                    monitor.execute("cont");
                }
                received.update(peer.receiveBytes((int) (SIZE - ((long) stops << 20)), TRANSFER));

                String output = rig().console().finish(both, TRANSFER).output();
                assertTransfer(21, SIZE, output.lines().findFirst().orElse(""));
                assertTransfer(22, SIZE, output.lines().skip(1).findFirst().orElse(""));
                assertEquals(pattern(22, SIZE), TestPattern.hex(received));
                assertEquals(pattern(21, SIZE), await(sent));
            }
        }

        @Test
        void shouldGiveOnlyFreshDataWhenPeerChangesWhileMachineIsStopped() throws Exception {
            try (HostPeer first = openBothEnds();
                    Qmp monitor = connectMonitor()) {
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
                    Qmp monitor = connectMonitor()) {
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

    /** User-mode Linux: one thread, no interrupts while it waits for an acknowledgement, larger queues. */
    @Nested
    class UserModeLinux extends GuestTests {
        UserModeLinux() {
            super((socket, dir, numVqs) -> Guest.uml(socket, dir));
        }
    }
}
