package org.vportd.chardev.socket;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/**
 * What a socket chardev is asked to be.
 *
 * @param awaitsClient whether the program's start is to wait for the first client
 * @param noDelay whether small TCP segments go out at once
 * @param reconnectNs after which time a client tries again; 0 if it does not
 */
record SocketOptions(SocketAddress address, boolean server, boolean awaitsClient, boolean noDelay, long reconnectNs) {
    static final Set<String> KEYS = Set.of(
            "path",
            "abstract",
            "tight",
            "host",
            "port",
            "to",
            "ipv4",
            "ipv6",
            "fd",
            "server",
            "wait",
            "nodelay",
            "delay",
            "reconnect",
            "reconnect-ms");

    private static final Logger LOG = System.getLogger(SocketOptions.class.getName());
    private static final int MAX_PORT = 65535;
    private static final long MAX_RECONNECT_SECONDS = Integer.MAX_VALUE;

    static SocketOptions parse(Options options) throws ConfigException {
        SocketAddress address = address(options);
        boolean server = options.bool("server", false);
        checkCombination(options, address, server);
        return new SocketOptions(
                address, server, server && options.bool("wait", true), noDelay(options), reconnectNs(options));
    }

    private static SocketAddress address(Options options) throws ConfigException {
        long given = Stream.of("path", "fd", "host").filter(options::has).count();
        if (given != 1) {
            throw new ConfigException(
                    "None or one of 'path', 'fd' or 'host' option required.", "exactly one of them; got " + given);
        }
        if (options.has("fd")) {
            return new SocketAddress.Inherited((int) options.number("fd", 0, 0, Integer.MAX_VALUE));
        }
        return options.has("host") ? inet(options) : unix(options);
    }

    private static SocketAddress unix(Options options) throws ConfigException {
        String path = options.string("path", "");
        boolean isAbstract = options.bool("abstract", false);
        boolean isTight = options.bool("tight", true);
        if (path.isEmpty() && !isAbstract) {
            throw new ConfigException("chardev: socket: no path given");
        }
        return new SocketAddress.Unix(path, isAbstract, isTight);
    }

    private static SocketAddress inet(Options options) throws ConfigException {
        if (!options.has("port")) {
            throw new ConfigException("chardev: socket: no port given");
        }
        int port = (int) options.number("port", 0, 0, MAX_PORT);
        int lastPort = (int) options.number("to", port, 0, MAX_PORT);
        if (lastPort < port) {
            throw new ConfigException("Parameter 'to' expects a number", "from " + port + "; got " + lastPort);
        }
        return new SocketAddress.Inet(options.string("host", ""), port, lastPort, family(options));
    }

    /** A family that is asked for excludes the other unless that is asked for, too; one that is refused leaves the other. */
    private static SocketAddress.Family family(Options options) throws ConfigException {
        boolean v4 = options.bool("ipv4", !options.bool("ipv6", false));
        boolean v6 = options.bool("ipv6", !options.bool("ipv4", false));
        if (!v4 && !v6) {
            throw new ConfigException("Cannot disable IPv4 and IPv6 at same time");
        }
        if (v4 && v6) {
            return SocketAddress.Family.ANY;
        }
        return v4 ? SocketAddress.Family.IPV4 : SocketAddress.Family.IPV6;
    }

    private static void checkCombination(Options options, SocketAddress address, boolean server)
            throws ConfigException {
        if (address instanceof SocketAddress.Inherited && reconnectNs(options) > 0) {
            throw new ConfigException("'reconnect' option is incompatible with 'fd' address type");
        }
        for (String key : new String[] {"reconnect", "reconnect-ms"}) {
            if (server && options.has(key)) {
                throw new ConfigException("'" + key + "' option is incompatible with socket in server listen mode");
            }
        }
        if (!server && options.has("wait")) {
            throw new ConfigException("'wait' option is incompatible with socket in client connect mode");
        }
        if (options.has("reconnect") && options.has("reconnect-ms")) {
            throw new ConfigException("'reconnect' and 'reconnect-ms' are mutually exclusive");
        }
    }

    private static boolean noDelay(Options options) throws ConfigException {
        if (!options.has("delay")) {
            return options.bool("nodelay", false);
        }
        if (options.has("nodelay")) {
            throw new ConfigException("'delay' and 'nodelay' are mutually exclusive");
        }
        LOG.log(Level.WARNING, "option 'delay' is deprecated; please use nodelay=on or nodelay=off instead");
        return !options.bool("delay", true);
    }

    private static long reconnectNs(Options options) throws ConfigException {
        if (options.has("reconnect")) {
            LOG.log(Level.WARNING, "option 'reconnect' is deprecated; please use reconnect-ms instead");
        }
        long seconds = options.number("reconnect", 0, 0, MAX_RECONNECT_SECONDS);
        long ms = options.number("reconnect-ms", 0, 0, MAX_RECONNECT_SECONDS * 1000);
        return TimeUnit.SECONDS.toNanos(seconds) + TimeUnit.MILLISECONDS.toNanos(ms);
    }
}
