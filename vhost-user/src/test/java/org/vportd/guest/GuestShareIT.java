package org.vportd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Consoles of real Linux guests are shared. */
@Tag("guest")
class GuestShareIT {
    /** Run by the profile {@code soak}: what it shows, another kind of guest shows in every run. */
    private static final String LONG = "long";

    /** QEMU. */
    @Nested
    class Qemu extends ShareTests {
        Qemu() {
            super((socket, dir, numVqs) -> Guest.qemu(socket, dir, numVqs));
        }
    }

    /** User-mode Linux. */
    @Nested
    @Tag(LONG)
    class UserModeLinux extends ShareTests {
        UserModeLinux() {
            super((socket, dir, numVqs) -> Guest.uml(socket, dir));
        }
    }

    @Test
    @DisplayName("CH-24 Ctrl-A x on a console ends the daemon well, and the machine goes on without it")
    void escapeEndsDaemon() throws Exception {
        Duration timeout = Duration.ofSeconds(10);
        try (Rig rig = new Rig(
                (socket, dir, numVqs) ->
                        Guest.qemu(socket, dir, numVqs, "-qmp", "unix:" + dir.resolve("qmp") + ",server=on,wait=off"),
                "",
                dir -> List.of("-virtioconsole", "mon:unix:" + dir.resolve("mon") + ",server=on,wait=off"))) {
            rig.awaitGuest();
            Path shared = rig.dir().resolve("mon");
            try (Console console = Console.connect(shared, timeout, () -> "")) {
                console.send("\1x");
                assertEquals(0, rig.daemon().awaitExit(timeout));
            }
            assertFalse(Files.exists(shared), "a socket is left");
            // Stopping and continuing it would end QEMU, whose device wants its back-end then.
            Qmp.connect(rig.dir().resolve("qmp")).close();
            assertTrue(rig.guest().isAlive());
        }
    }
}
