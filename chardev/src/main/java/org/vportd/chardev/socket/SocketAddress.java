package org.vportd.chardev.socket;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Sockets;

/** Where a socket chardev listens or connects to. */
sealed interface SocketAddress {
    /**
     * The address in the words of {@code query-chardev}.
     *
     * @param protocol what is spoken over internet addresses: {@code tcp}, or the name of a protocol above it
     */
    String describe(String protocol);

    /** The address in the words of QMP's {@code SocketAddress}. */
    Map<String, Object> members();

    /** What is added to the description of an address that is listened at. */
    static String role(boolean server) {
        return server ? ",server=on" : "";
    }

    /**
     * A UNIX socket.
     *
     * @param path the file, or the name in the abstract namespace; empty when listening means a new temporary file
     * @param isTight whether an abstract name is not filled up with NULs
     */
    record Unix(String path, boolean isAbstract, boolean isTight) implements SocketAddress {
        @Override
        public String describe(String protocol) {
            return "unix:" + path + (isAbstract ? ",abstract=on" + (isTight ? ",tight=on" : "") : "");
        }

        @Override
        public Map<String, Object> members() {
            return Map.of("type", "unix", "path", path, "abstract", isAbstract, "tight", isTight);
        }
    }

    /**
     * A TCP socket.
     *
     * @param lastPort the last port to try when listening
     * @param keepAlive how it is found out that the peer has vanished without a word, null if it is not
     * @param isMultipath whether to speak MPTCP
     */
    record Inet(InetHost host, int lastPort, Sockets.@Nullable KeepAlive keepAlive, boolean isMultipath)
            implements SocketAddress {
        @Override
        public String describe(String protocol) {
            return protocol + ":" + host;
        }

        @Override
        public Map<String, Object> members() {
            return Map.of("type", "inet", "host", host.host(), "port", String.valueOf(host.port()));
        }

        /** Whether an IPv6 socket is to refuse IPv4. */
        boolean isV6Only() {
            return host.family() == InetFamily.IPV6;
        }
    }

    /**
     * A socket between virtual machines and their host.
     *
     * @param cid the machine, an unsigned number
     * @param port an unsigned number
     */
    record Vsock(int cid, int port) implements SocketAddress {
        @Override
        public String describe(String protocol) {
            return "vsock:" + numbers();
        }

        @Override
        public Map<String, Object> members() {
            return Map.of(
                    "type", "vsock", "cid", Integer.toUnsignedString(cid), "port", Integer.toUnsignedString(port));
        }

        String numbers() {
            return Integer.toUnsignedString(cid) + ":" + Integer.toUnsignedString(port);
        }
    }

    /**
     * A socket that is passed as a descriptor.
     *
     * @param name its number if the program was started with it, otherwise the name it was passed under; empty for a
     *     server that gets its clients from elsewhere
     */
    record Passed(String name) implements SocketAddress {
        @Override
        public String describe(String protocol) {
            return "fd:" + name;
        }

        @Override
        public Map<String, Object> members() {
            return Map.of("type", "fd", "str", name);
        }
    }
}
