package org.vportd.chardev;

import org.jspecify.annotations.Nullable;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/** What the program around the chardevs does for them. Loop thread only. */
public interface ChardevServices {
    /** How paths begin that mean descriptors instead of files. */
    String PASSED_PREFIX = "/dev/fdset/";

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
     * Opens what paths that begin with {@link #PASSED_PREFIX} mean: a descriptor that the user has passed.
     *
     * @param set which set of descriptors, the rest of the path
     * @param flags as of open(2)
     * @return a descriptor of its own for the same open file
     * @throws PosixException if there is none that was opened for that
     */
    default Fd openPassed(String set, int flags) throws PosixException {
        throw new PosixException("open", Errno.ENOENT);
    }

    /** Opens a path, or makes the file, unless it means a descriptor that the user has passed. */
    default Fd openPath(String path, int flags) throws PosixException {
        return path.startsWith(PASSED_PREFIX)
                ? openPassed(path.substring(PASSED_PREFIX.length()), flags)
                : Posix.open(path, flags, 0666);
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
