package org.vportd.chardev.socket;

import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.posix.Sockets;

/** The options of a socket chardev that say where it is. */
final class AddressOptions {
    private static final String KEEP_ALIVE_IDLE = "keep-alive-idle";
    private static final String KEEP_ALIVE_INTERVAL = "keep-alive-interval";
    private static final String KEEP_ALIVE_COUNT = "keep-alive-count";

    static final Set<String> KEYS = Set.of(
            "path",
            "abstract",
            "tight",
            "host",
            "port",
            "to",
            "ipv4",
            "ipv6",
            "keep-alive",
            KEEP_ALIVE_IDLE,
            KEEP_ALIVE_INTERVAL,
            KEEP_ALIVE_COUNT,
            "numeric",
            "mptcp",
            "cid",
            "fd");

    private AddressOptions() {}

    /**
     * Reads them.
     *
     * @throws ConfigException if there is not one address, or something in it cannot be
     */
    static SocketAddress parse(Options options) throws ConfigException {
        long given = Stream.of("path", "fd", "host", "cid").filter(options::has).count();
        if (given != 1) {
            throw new ConfigException(
                    "None or one of 'path', 'fd' or 'host' option required.",
                    "exactly one of them or of 'cid'; got " + given);
        }
        if (options.has("fd")) {
            return new SocketAddress.Passed(options.string("fd", ""));
        }
        if (options.has("path")) {
            return new SocketAddress.Unix(
                    options.string("path", ""), options.bool("abstract", false), options.bool("tight", true));
        }
        if (!options.has("port")) {
            throw new ConfigException("chardev: socket: no port given");
        }
        return options.has("cid") ? vsock(options) : inet(options);
    }

    private static SocketAddress vsock(Options options) throws ConfigException {
        return new SocketAddress.Vsock(unsigned(options, "cid"), unsigned(options, "port"));
    }

    private static int unsigned(Options options, String key) throws ConfigException {
        String text = options.string(key, "");
        try {
            return Integer.parseUnsignedInt(text);
        } catch (NumberFormatException e) {
            throw new ConfigException("Failed to parse " + key + " '" + text + "'", "a number of 32 bits");
        }
    }

    private static SocketAddress inet(Options options) throws ConfigException {
        int port = ServicePorts.of(options, "port", 0, "tcp", options.string("host", ""));
        int lastPort = (int) options.number("to", port, 0, ServicePorts.MAX_PORT);
        if (lastPort < port) {
            throw new ConfigException(
                    "Parameter 'to' expects a number from " + port + " to " + ServicePorts.MAX_PORT, "got " + lastPort);
        }
        InetHost host =
                new InetHost(options.string("host", ""), port, InetFamily.of(options), options.bool("numeric", false));
        return new SocketAddress.Inet(host, lastPort, keepAlive(options), options.bool("mptcp", false));
    }

    private static Sockets.@Nullable KeepAlive keepAlive(Options options) throws ConfigException {
        Sockets.KeepAlive asked = new Sockets.KeepAlive(
                (int) options.number(KEEP_ALIVE_IDLE, 0, 0, Sockets.KeepAlive.MAX_SECONDS),
                (int) options.number(KEEP_ALIVE_INTERVAL, 0, 0, Sockets.KeepAlive.MAX_SECONDS),
                (int) options.number(KEEP_ALIVE_COUNT, 0, 0, Sockets.KeepAlive.MAX_COUNT));
        return options.bool("keep-alive", false) ? asked : null;
    }
}
