package org.vportd.chardev.socket;

/** Where a socket chardev listens or connects to. */
sealed interface SocketAddress {
    /**
     * The address in the words of {@code query-chardev}.
     *
     * @param server whether it is listened at
     */
    String describe(boolean server);

    private static String role(boolean server) {
        return server ? ",server=on" : "";
    }

    /**
     * A UNIX socket.
     *
     * @param path the file, or the name in the abstract namespace
     * @param isTight whether an abstract name is not filled up with NULs
     */
    record Unix(String path, boolean isAbstract, boolean isTight) implements SocketAddress {
        @Override
        public String describe(boolean server) {
            String kind = isAbstract ? ",abstract=on" + (isTight ? ",tight=on" : "") : "";
            return "unix:" + path + kind + role(server);
        }
    }

    /**
     * A TCP socket.
     *
     * @param host a name or number; empty means any
     * @param lastPort the last port to try when listening
     */
    record Inet(String host, int port, int lastPort, Family family) implements SocketAddress {
        @Override
        public String describe(boolean server) {
            return "tcp:" + hostAndPort() + role(server);
        }

        String hostAndPort() {
            return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
        }
    }

    /**
     * A socket that the program was started with.
     *
     * @param number the descriptor
     */
    record Inherited(int number) implements SocketAddress {
        @Override
        public String describe(boolean server) {
            return "fd:" + number + role(server);
        }
    }

    /** The kinds of internet address that will do. */
    enum Family {
        ANY,
        IPV4,
        IPV6
    }
}
