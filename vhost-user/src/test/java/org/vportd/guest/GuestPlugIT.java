package org.vportd.guest;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Ports come and go while real Linux guests run. */
@Tag("guest")
class GuestPlugIT {
    /** Run by the profile {@code soak}: what it shows, another kind of guest shows in every run. */
    private static final String LONG = "long";

    /** QEMU, whose monitor stops the machine. */
    @Nested
    class Qemu extends PlugTests {
        Qemu() {
            super((socket, dir, numVqs) ->
                    Guest.qemu(socket, dir, numVqs, "-qmp", "unix:" + dir.resolve("qmp") + ",server=on,wait=off"));
        }

        @Test
        @DisplayName("VS-35 VS-36 a port comes, goes and comes again while the machine is stopped")
        void portComesWhileMachineIsStopped() throws Exception {
            addSocket();
            try (HostPeer peer = connectHot();
                    Qmp machine = Qmp.connect(rig().dir().resolve("qmp"))) {
                machine.execute("stop");
                plug();
                machine.execute("cont");
                awaitPort();
                openHot();
                machine.execute("stop");
                unplug();
                plug();
                machine.execute("cont");
                String unused = run("exec 5>&-");
                awaitPort();
                // With "command" a port that is not there yet does not end the shell.
                rig().awaitInGuest(
                                "command exec 5<>/dev/virtio-ports/hot && portwait 5 up 1000 | grep -q up", "not up");
                assertBothWays(peer, 5);
                machine.execute("system_reset");
                rig().awaitGuest();
                awaitPort();
                openHot();
                assertBothWays(peer, 7);
                unplug();
            }
            removeChardev();
        }
    }

    /** User-mode Linux. */
    @Nested
    @Tag(LONG)
    class UserModeLinux extends PlugTests {
        UserModeLinux() {
            super((socket, dir, numVqs) -> Guest.uml(socket, dir));
        }
    }
}
