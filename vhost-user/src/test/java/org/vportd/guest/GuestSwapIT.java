package org.vportd.guest;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/** Character devices are exchanged while real Linux guests use them. */
@Tag("guest")
class GuestSwapIT {
    /** QEMU. */
    @Nested
    class Qemu extends SwapTests {
        Qemu() {
            super((socket, dir, numVqs) -> Guest.qemu(socket, dir, numVqs));
        }
    }

    /** User-mode Linux. */
    @Nested
    class UserModeLinux extends SwapTests {
        UserModeLinux() {
            super((socket, dir, numVqs) -> Guest.uml(socket, dir));
        }
    }
}
