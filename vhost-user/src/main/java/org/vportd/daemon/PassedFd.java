package org.vportd.daemon;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.posix.Posix;

/**
 * A descriptor that whoever started the program has passed for one of the sets that paths in {@code /dev/fdset} name.
 *
 * @param opaque what its owner wants to remember of it
 */
record PassedFd(int fd, long set, @Nullable String opaque) {
    private static final int LAST_STANDARD_STREAM = 2;

    /** Reads the options of {@code -add-fd}. */
    static PassedFd parse(Options options) throws ConfigException {
        options.accept(Set.of("fd", "set", "opaque"));
        long fd = options.number("fd", -1, Integer.MIN_VALUE, Integer.MAX_VALUE);
        if (fd < 0) {
            throw new ConfigException("fd option is required and must be non-negative");
        }
        if (fd <= LAST_STANDARD_STREAM) {
            throw new ConfigException("fd cannot be a standard I/O stream");
        }
        if (!Posix.isInherited((int) fd)) {
            throw new ConfigException("fd is not valid or already in use");
        }
        long set = options.number("set", -1, Integer.MIN_VALUE, Integer.MAX_VALUE);
        if (set < 0) {
            throw new ConfigException("set option is required and must be non-negative");
        }
        return new PassedFd((int) fd, set, options.string("opaque"));
    }
}
