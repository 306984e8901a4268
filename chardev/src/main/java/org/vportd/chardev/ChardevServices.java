package org.vportd.chardev;

import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;

/** What the program around the chardevs does for them. Loop thread only. */
public interface ChardevServices {
    /** Has nothing to offer. */
    ChardevServices NONE = new ChardevServices() {};

    /** The object that the user has made under an id, for example TLS credentials; null if there is none. */
    default @Nullable Object object(String id) {
        return null;
    }

    /**
     * Takes a descriptor that the user has passed under a name; the caller then owns it.
     *
     * @return null if there is none of that name
     */
    default @Nullable Fd takeDescriptor(String name) {
        return null;
    }

    /**
     * Ends the program soon, in good order.
     *
     * @param status its exit status, 0 to 255
     */
    default void exit(int status) {}

    /** The key that begins a command to a multiplexer, Ctrl-A unless the user wants another. */
    default byte escape() {
        return 1;
    }
}
