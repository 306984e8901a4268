package org.vportd.chardev.socket;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Opening;
import org.vportd.chardev.Options;
import org.vportd.chardev.layer.StreamProtocols;
import org.vportd.chardev.layer.TelnetStream;
import org.vportd.chardev.layer.TlsSettings;
import org.vportd.chardev.secure.Authorization;
import org.vportd.chardev.secure.TlsCredentials;

/**
 * What a socket chardev is asked to be.
 *
 * @param awaitsClient whether the program's start is to wait for the first client
 * @param noDelay whether small TCP segments go out at once
 * @param reconnectNs after which time a client tries again; 0 if it does not
 * @param protocol what is spoken, as the filename shows it
 * @param protocols what is spoken over each connection
 */
record SocketOptions(
        SocketAddress address,
        boolean server,
        boolean awaitsClient,
        boolean noDelay,
        long reconnectNs,
        String protocol,
        StreamProtocols protocols) {
    static final Set<String> KEYS = keys();

    private static final Logger LOG = System.getLogger(SocketOptions.class.getName());
    private static final long MAX_RECONNECT_SECONDS = Integer.MAX_VALUE;

    private static Set<String> keys() {
        Set<String> keys = new HashSet<>(AddressOptions.KEYS);
        keys.addAll(Set.of("server", "wait", "nodelay", "delay", "reconnect", "reconnect-ms"));
        keys.addAll(Set.of("telnet", "tn3270", "websocket", "tls-creds", "tls-authz"));
        return Set.copyOf(keys);
    }

    static SocketOptions parse(Opening opening) throws ConfigException {
        Options options = opening.options();
        SocketAddress address = AddressOptions.parse(options);
        boolean noDelay = noDelay(options);
        boolean server = options.bool("server", false);
        TlsCredentials credentials = tlsCredentials(opening, server);
        checkAddress(options, address, server);
        checkRole(options, server);
        checkClient(options, address, server);
        boolean telnet = options.bool("telnet", false);
        return new SocketOptions(
                address,
                server,
                server && options.bool("wait", true),
                noDelay,
                server ? 0 : reconnectNs(options),
                telnet ? "telnet" : options.bool("websocket", false) ? "websocket" : "tcp",
                protocols(opening, address, server, credentials));
    }

    private static @Nullable TlsCredentials tlsCredentials(Opening opening, boolean server) throws ConfigException {
        String id = opening.options().string("tls-creds");
        return id == null ? null : TlsCredentials.of(opening.services().object(id), id, server);
    }

    private static void checkAddress(Options options, SocketAddress address, boolean server) throws ConfigException {
        boolean tls = options.has("tls-creds");
        if (address instanceof SocketAddress.Passed) {
            refuseReconnect(options, "incompatible with 'fd' address type");
            if (tls && !server) {
                throw new ConfigException("'tls_creds' option is incompatible with 'fd' address type as client");
            }
        } else if (tls && address instanceof SocketAddress.Unix) {
            throw new ConfigException("'tls_creds' option is incompatible with 'unix' address type");
        } else if (tls && address instanceof SocketAddress.Vsock) {
            throw new ConfigException("'tls_creds' option is incompatible with 'vsock' address type");
        }
        if (options.has("tls-authz") && !tls) {
            throw new ConfigException("'tls_authz' option requires 'tls_creds' option");
        }
    }

    private static void refuseReconnect(Options options, String why) throws ConfigException {
        for (String key : List.of("reconnect", "reconnect-ms")) {
            if (options.has(key)) {
                throw new ConfigException("'" + key + "' option is " + why);
            }
        }
    }

    private static void checkRole(Options options, boolean server) throws ConfigException {
        if (server) {
            refuseReconnect(options, "incompatible with socket in server listen mode");
            return;
        }
        if (options.bool("websocket", false)) {
            throw new ConfigException("Websocket client is not implemented");
        }
        if (options.has("wait")) {
            throw new ConfigException("'wait' option is incompatible with socket in client connect mode");
        }
        if (options.has("reconnect") && options.has("reconnect-ms")) {
            throw new ConfigException("'reconnect' and 'reconnect-ms' are mutually exclusive");
        }
    }

    private static void checkClient(Options options, SocketAddress address, boolean server) throws ConfigException {
        if (server) {
            return;
        }
        if (address instanceof SocketAddress.Unix unix && unix.path().isEmpty()) {
            throw new ConfigException("unix connect: no path specified");
        }
        if (options.bool("telnet", false) || options.bool("tn3270", false)) {
            LOG.log(Level.WARNING, "telnet is spoken by servers only: a client passes its bytes on as they are");
        }
    }

    private static StreamProtocols protocols(
            Opening opening, SocketAddress address, boolean server, @Nullable TlsCredentials credentials)
            throws ConfigException {
        Options options = opening.options();
        TelnetStream.Mode telnet = options.bool("telnet", false) ? TelnetStream.Mode.TELNET : null;
        return new StreamProtocols(
                server,
                options.bool("tn3270", false) ? TelnetStream.Mode.TN3270 : telnet,
                options.bool("websocket", false),
                credentials == null ? null : tls(opening, address, server, credentials));
    }

    private static TlsSettings tls(Opening opening, SocketAddress address, boolean server, TlsCredentials credentials)
            throws ConfigException {
        String authorization = opening.options().string("tls-authz");
        return new TlsSettings(
                credentials,
                authorization == null
                        ? null
                        : Authorization.of(opening.services().object(authorization), authorization),
                server || !(address instanceof SocketAddress.Inet inet)
                        ? null
                        : inet.host().host());
    }

    /** The address in the words of {@code query-chardev}. */
    String description() {
        return address.describe(protocol) + SocketAddress.role(server);
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
