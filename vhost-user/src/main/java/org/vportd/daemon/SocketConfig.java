package org.vportd.daemon;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/**
 * Where a device's front-end comes from: exactly one of a path and a descriptor.
 *
 * @param path where to listen, or null
 * @param mode permissions of the socket file
 * @param fd a socket that is open already, listening or connected: its number, or its name if a monitor's client has
 *     passed it; or null
 */
record SocketConfig(
        @Nullable String path, int mode, @Nullable String fd) {
    private static final int DEFAULT_MODE = 0600;
    private static final int MAX_MODE = 0777;

    /** Listens at a path that nobody else may connect to. */
    static SocketConfig at(String path) {
        return new SocketConfig(path, DEFAULT_MODE, null);
    }

    /** Takes what options say; null if they say nothing of it. */
    static @Nullable SocketConfig parse(Options device) throws ConfigException {
        String path = device.string("socket-path");
        String fd = device.string("fd");
        if (path != null && fd != null) {
            throw new ConfigException("'socket-path' and 'fd' are mutually exclusive");
        }
        int mode = mode(device.string("socket-mode"), "socket-mode");
        if (path == null && device.has("socket-mode")) {
            throw new ConfigException("'socket-mode' option requires 'socket-path'");
        }
        return path == null && fd == null ? null : new SocketConfig(path, mode, fd);
    }

    /**
     * Reads permissions.
     *
     * @param octal null for those that are usual
     * @param option what the error calls them
     */
    static int mode(@Nullable String octal, String option) throws ConfigException {
        if (octal == null) {
            return DEFAULT_MODE;
        }
        try {
            int mode = Integer.parseInt(octal, 8);
            if (mode >= 0 && mode <= MAX_MODE) {
                return mode;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new ConfigException(
                "Parameter '" + option + "' expects an octal number up to 0777", "got '" + octal + "'");
    }

    @Override
    public String toString() {
        return path == null ? "fd=" + fd : "socket-path=" + path;
    }
}
