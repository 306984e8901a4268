package org.vportd.chardev.socket;

/** Where a socket chardev listens or connects to. */
sealed interface SocketAddress {
    /**
     * The address in the words of {@code query-chardev}.
     *
     * @param protocol what is spoken over internet addresses: {@code tcp}, or the name of a protocol above it
     */
    String describe(String protocol);

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
    }

    /**
     * A TCP socket.
     *
     * @param lastPort the last port to try when listening
     * @param keepsAlive whether a client finds out when its server has vanished without a word
     * @param isMultipath whether to speak MPTCP
     */
    record Inet(InetHost host, int lastPort, boolean keepsAlive, boolean isMultipath) implements SocketAddress {
        @Override
        public String describe(String protocol) {
            return protocol + ":" + host;
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
    }
}
