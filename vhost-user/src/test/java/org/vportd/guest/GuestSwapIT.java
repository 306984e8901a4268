package org.vportd.guest;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/** Character devices are exchanged while real Linux guests use them. */
@Tag("guest")
class GuestSwapIT {
    /** Run by the profile {@code soak}: what it shows, another kind of guest shows in every run. */
    private static final String LONG = "long";

    /** QEMU. */
    @Nested
    class Qemu extends SwapTests {
        Qemu() {
            super((socket, dir, numVqs) -> Guest.qemu(socket, dir, numVqs));
        }
    }

    /** User-mode Linux. */
    @Nested
    @Tag(LONG)
    class UserModeLinux extends SwapTests {
        UserModeLinux() {
            super((socket, dir, numVqs) -> Guest.uml(socket, dir));
        }
    }
}
