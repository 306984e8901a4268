package org.vportd.guest;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/** One daemon takes the place of another while real Linux guests use it. */
@Tag("guest")
class GuestTakeOverIT {
    /** QEMU. */
    @Nested
    class Qemu extends TakeOverTests {
        Qemu() {
            super((socket, dir, numVqs) -> Guest.qemu(socket, dir, numVqs));
        }
    }

    /** User-mode Linux. */
    @Nested
    class UserModeLinux extends TakeOverTests {
        UserModeLinux() {
            super((socket, dir, numVqs) -> Guest.uml(socket, dir));
        }
    }
}
