package org.vportd.posix;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import jnr.unixsocket.UnixSocketAddress;
import jnr.unixsocket.UnixSocketChannel;
import org.jspecify.annotations.Nullable;

/** Stream sockets of the UNIX and internet families. All that is made here is close-on-exec and never waits. */
public final class Sockets {
    /** The longest path of a UNIX socket, in bytes: {@code sun_path} less its NUL. */
    public static final int MAX_UNIX_PATH_BYTES = 107;

    private static final int AF_UNIX = 1;
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_FLAGS = Posix.O_NONBLOCK | Posix.O_CLOEXEC;
    private static final int SOL_SOCKET = 1;
    private static final int SO_REUSEADDR = 2;
    private static final int SO_TYPE = 3;
    private static final int SO_ERROR = 4;
    private static final int SO_SNDBUF = 7;
    private static final int SO_KEEPALIVE = 9;
    private static final int SO_PEERCRED = 17;
    private static final int SO_ACCEPTCONN = 30;
    private static final int SO_DOMAIN = 39;
    private static final int IPPROTO_TCP = 6;
    private static final int TCP_NODELAY = 1;
    private static final int TCP_KEEPIDLE = 4;
    private static final int TCP_KEEPINTVL = 5;
    private static final int TCP_KEEPCNT = 6;
    private static final int IPPROTO_MPTCP = 262;
    private static final int IPPROTO_IPV6 = 41;
    private static final int IPV6_V6ONLY = 26;
    private static final int SHUT_WR = 1;
    private static final int MSG_DONTWAIT_NOSIGNAL = 0x4040;
    private static final int ADDRESS_LENGTH = 128;
    private static final int CREDENTIALS_LENGTH = 12;
    private static final LibC C = LibC.C;

    private Sockets() {}

    /**
     * The process at the other end of a UNIX socket when it was connected.
     *
     * @param pid its process id, 0 if it is in another namespace
     * @param uid its user
     */
    public record Peer(int pid, int uid) {}

    /**
     * Binds a UNIX socket and listens. The file gets mode 0666 less the process's umask.
     *
     * @throws IOException if the path is too long, taken, or not writable
     */
    public static Fd listenUnix(String path, int backlog) throws IOException {
        checkPath(path);
        return UnixAddress.ofPath(path).listen(backlog);
    }

    /**
     * Connects to a UNIX socket.
     *
     * @throws PosixException with {@link Errno#ENOENT}, {@link Errno#ECONNREFUSED} and the like
     * @throws IOException if the path is too long
     */
    public static Fd connectUnix(String path) throws IOException {
        checkPath(path);
        UnixSocketChannel channel = UnixSocketChannel.open();
        try {
            channel.connect(new UnixSocketAddress(path));
        } catch (IOException e) {
            IOException named = named(e);
            channel.close();
            throw named;
        }
        return adopt(channel.getFD());
    }

    private static void checkPath(String path) throws IOException {
        if (path.getBytes(StandardCharsets.UTF_8).length > MAX_UNIX_PATH_BYTES) {
            throw new IOException(
                    "UNIX socket path '" + path + "' is too long (at most " + MAX_UNIX_PATH_BYTES + " bytes)");
        }
    }

    /** The channel is dropped, not closed: closing it would shut down the socket for every descriptor there is. */
    private static Fd adopt(int channelFd) throws PosixException {
        Fd fd = new Fd(channelFd);
        Posix.setCloseOnExec(fd);
        Posix.setNonBlocking(fd, true);
        return fd;
    }

    /** jnr-unixsocket reports a text alone; the error number behind it is still the thread's last one. */
    private static IOException named(IOException e) {
        int errno = LibC.errno();
        return errno == 0 ? e : new PosixException("connect", errno);
    }

    /**
     * Binds an internet socket and listens.
     *
     * @param address port 0 lets the kernel choose, see {@link #localAddress}; {@code ::} means IPv4, too
     */
    public static Fd listenTcp(InetSocketAddress address, int backlog) throws PosixException {
        return listenTcp(address, backlog, false, false);
    }

    /**
     * The same, where {@code ::} may be kept to IPv6 and several paths may be used at a time.
     *
     * @param v6Only whether an IPv6 socket refuses IPv4 connections
     * @param multipath whether to speak MPTCP with those who can
     */
    public static Fd listenTcp(InetSocketAddress address, int backlog, boolean v6Only, boolean multipath)
            throws PosixException {
        Fd fd = open(familyOf(address), SOCK_STREAM, multipath ? IPPROTO_MPTCP : 0);
        try {
            setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
            if (address.getAddress() instanceof Inet6Address) {
                boolean alsoV4 = !v6Only && address.getAddress().isAnyLocalAddress();
                setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, alsoV4 ? 0 : 1);
            }
            withAddress(address, (at, length) -> Posix.check("bind", C.bind(fd.value(), at, length)));
            Posix.check("listen", C.listen(fd.value(), backlog));
            return fd;
        } catch (PosixException e) {
            fd.close();
            throw e;
        }
    }

    /** Starts to connect an internet socket: once it is writable, {@link #connectError} tells how it went. */
    public static Fd connectTcp(InetSocketAddress address) throws PosixException {
        return connectTcp(address, false);
    }

    /**
     * The same, with several paths at a time if the other end can.
     *
     * @param multipath whether to speak MPTCP
     */
    public static Fd connectTcp(InetSocketAddress address, boolean multipath) throws PosixException {
        Fd fd = open(familyOf(address), SOCK_STREAM, multipath ? IPPROTO_MPTCP : 0);
        try {
            withAddress(address, (at, length) -> startToConnect(fd, at, length));
            return fd;
        } catch (PosixException e) {
            fd.close();
            throw e;
        }
    }

    static void startToConnect(Fd fd, long address, int length) throws PosixException {
        if (C.connect(fd.value(), address, length) < 0) {
            int errno = LibC.errno();
            if (errno != Errno.EINPROGRESS) {
                throw new PosixException("connect", errno);
            }
        }
    }

    /** The pending error of a socket, 0 if there is none; it is cleared. */
    public static int connectError(Fd fd) throws PosixException {
        return option(fd, SO_ERROR);
    }

    /** Makes two UNIX stream sockets connected to each other. */
    public static Fd[] pair() throws PosixException {
        long pair = NativeMemory.allocate(2 * Integer.BYTES);
        try {
            Posix.check("socketpair", C.socketpair(AF_UNIX, SOCK_STREAM | SOCK_FLAGS, 0, pair));
            return Posix.pairAt(pair);
        } finally {
            NativeMemory.free(pair);
        }
    }

    /** Accepts a connection; null if none is waiting or the one that was has gone. */
    public static @Nullable Fd accept(Fd listener) throws PosixException {
        while (true) {
            int fd = C.accept4(listener.value(), 0, 0, SOCK_FLAGS);
            if (fd >= 0) {
                return new Fd(fd);
            }
            int errno = LibC.errno();
            if (errno == 103 /* ECONNABORTED */ || Posix.retryAfter("accept4", errno)) {
                return null;
            }
        }
    }

    /** Sends one range without waiting and without SIGPIPE, whatever the mode of the socket. */
    public static long send(Fd fd, long address, long lengthBytes) throws PosixException {
        while (true) {
            long n = C.send(fd.value(), address, lengthBytes, MSG_DONTWAIT_NOSIGNAL);
            if (n >= 0) {
                return n;
            }
            if (Posix.retryAfter("send", LibC.errno())) {
                return Posix.WOULD_BLOCK;
            }
        }
    }

    /** Receives into one range without waiting, whatever the mode of the socket. */
    public static long receive(Fd fd, long address, long lengthBytes) throws PosixException {
        while (true) {
            long n = C.recv(fd.value(), address, lengthBytes, MSG_DONTWAIT_NOSIGNAL);
            if (n >= 0) {
                return n;
            }
            if (Posix.retryAfter("recv", LibC.errno())) {
                return Posix.WOULD_BLOCK;
            }
        }
    }

    /** Tells the peer that nothing more will be sent. */
    public static void shutdownOutput(Fd fd) throws PosixException {
        Posix.check("shutdown", C.shutdown(fd.value(), SHUT_WR));
    }

    /** Sends small segments at once instead of collecting them. */
    public static void setNoDelay(Fd fd, boolean on) throws PosixException {
        setOption(fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
    }

    /**
     * How the kernel finds out that the peer of a TCP connection has vanished; 0 stands for what the system does.
     *
     * @param idleSeconds after how long a silence it asks
     * @param intervalSeconds how long it waits for an answer before it asks again
     * @param count how many questions without an answer mean that nobody is there
     */
    public record KeepAlive(int idleSeconds, int intervalSeconds, int count) {
        /** The most seconds of either kind that the kernel takes. */
        public static final int MAX_SECONDS = 32767;

        /** The most questions that the kernel takes. */
        public static final int MAX_COUNT = 127;

        /** Has the kernel do so with a connection. */
        public void apply(Fd fd) throws PosixException {
            setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
            setUnlessZero(fd, TCP_KEEPIDLE, idleSeconds);
            setUnlessZero(fd, TCP_KEEPINTVL, intervalSeconds);
            setUnlessZero(fd, TCP_KEEPCNT, count);
        }

        private static void setUnlessZero(Fd fd, int option, int value) throws PosixException {
            if (value != 0) {
                setOption(fd, IPPROTO_TCP, option, value);
            }
        }
    }

    /**
     * Asks for room for output that the peer has not read.
     *
     * @param bytes the kernel grants twice as many, for what it stores beside them, or twice its own limit ({@code
     *     net.core.wmem_max}) if that is less
     */
    public static void setSendBuffer(Fd fd, int bytes) throws PosixException {
        setOption(fd, SOL_SOCKET, SO_SNDBUF, bytes);
    }

    /** The bytes that the kernel keeps for output at most, with what it stores beside them. */
    public static int sendBuffer(Fd fd) throws PosixException {
        return option(fd, SO_SNDBUF);
    }

    /** Lets another socket that allows the same be bound to the same address. */
    static void setReusable(Fd fd, boolean on) throws PosixException {
        setOption(fd, SOL_SOCKET, SO_REUSEADDR, on ? 1 : 0);
    }

    /** Keeps an IPv6 socket to IPv6. */
    static void setV6Only(Fd fd) throws PosixException {
        setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }

    /** Whether a descriptor is a UNIX stream socket. */
    public static boolean isUnixStream(Fd fd) {
        try {
            return option(fd, SO_DOMAIN) == AF_UNIX && option(fd, SO_TYPE) == SOCK_STREAM;
        } catch (PosixException e) {
            return false;
        }
    }

    /** Whether a descriptor is a stream socket of any family. */
    public static boolean isStream(Fd fd) {
        try {
            return option(fd, SO_TYPE) == SOCK_STREAM;
        } catch (PosixException e) {
            return false;
        }
    }

    /** Whether a socket listens, as opposed to being one end of a connection. */
    public static boolean isListening(Fd fd) throws PosixException {
        return option(fd, SO_ACCEPTCONN) != 0;
    }

    /** Who connected a UNIX socket. */
    public static Peer peer(Fd fd) throws PosixException {
        long buffer = NativeMemory.allocate(CREDENTIALS_LENGTH + Integer.BYTES);
        try {
            NativeMemory.putInt(buffer + CREDENTIALS_LENGTH, CREDENTIALS_LENGTH);
            Posix.check(
                    "getsockopt",
                    C.getsockopt(fd.value(), SOL_SOCKET, SO_PEERCRED, buffer, buffer + CREDENTIALS_LENGTH));
            return new Peer(NativeMemory.getInt(buffer), NativeMemory.getInt(buffer + 4));
        } finally {
            NativeMemory.free(buffer);
        }
    }

    /** The internet address a socket is bound to; null for other families. */
    public static @Nullable InetSocketAddress localAddress(Fd fd) throws PosixException {
        return address("getsockname", (at, length) -> C.getsockname(fd.value(), at, length));
    }

    /** The internet address a socket is connected to; null for other families. */
    public static @Nullable InetSocketAddress peerAddress(Fd fd) throws PosixException {
        return address("getpeername", (at, length) -> C.getpeername(fd.value(), at, length));
    }

    private interface NameCall {
        int on(long address, long length);
    }

    /** A call on a socket address in native memory. */
    interface AddressCall {
        /** Makes the call. */
        void on(long address, int length) throws PosixException;
    }

    private static @Nullable InetSocketAddress address(String call, NameCall body) throws PosixException {
        long buffer = NativeMemory.allocate(ADDRESS_LENGTH + Integer.BYTES);
        try {
            NativeMemory.putInt(buffer + ADDRESS_LENGTH, ADDRESS_LENGTH);
            Posix.check(call, body.on(buffer, buffer + ADDRESS_LENGTH));
            int family = NativeMemory.getShort(buffer);
            if (family != AF_INET && family != AF_INET6) {
                return null;
            }
            int port = ((NativeMemory.getByte(buffer + 2) & 0xff) << 8) | (NativeMemory.getByte(buffer + 3) & 0xff);
            byte[] raw = new byte[family == AF_INET ? 4 : 16];
            NativeMemory.get(buffer + (family == AF_INET ? 4 : 8), raw, 0, raw.length);
            return new InetSocketAddress(InetAddress.getByAddress(raw), port);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e); // the array has one of the two lengths there are
        } finally {
            NativeMemory.free(buffer);
        }
    }

    static void withAddress(InetSocketAddress address, AddressCall body) throws PosixException {
        byte[] raw = address.getAddress().getAddress();
        boolean v4 = raw.length == 4;
        long buffer = NativeMemory.allocate(ADDRESS_LENGTH);
        try {
            NativeMemory.putShort(buffer, (short) (v4 ? AF_INET : AF_INET6));
            NativeMemory.putByte(buffer + 2, (byte) (address.getPort() >> 8));
            NativeMemory.putByte(buffer + 3, (byte) address.getPort());
            NativeMemory.put(raw, 0, buffer + (v4 ? 4 : 8), raw.length);
            if (address.getAddress() instanceof Inet6Address v6) {
                NativeMemory.putInt(buffer + 24, v6.getScopeId());
            }
            body.on(buffer, v4 ? 16 : 28);
        } finally {
            NativeMemory.free(buffer);
        }
    }

    static int familyOf(InetSocketAddress address) {
        return address.getAddress() instanceof Inet6Address ? AF_INET6 : AF_INET;
    }

    /** Makes a socket; protocol 0 is the usual one of the type. */
    static Fd open(int family, int type, int protocol) throws PosixException {
        return new Fd(Posix.check("socket", C.socket(family, type | SOCK_FLAGS, protocol)));
    }

    private static int option(Fd fd, int name) throws PosixException {
        long buffer = NativeMemory.allocate(2 * Integer.BYTES);
        try {
            NativeMemory.putInt(buffer + Integer.BYTES, Integer.BYTES);
            Posix.check("getsockopt", C.getsockopt(fd.value(), SOL_SOCKET, name, buffer, buffer + Integer.BYTES));
            return NativeMemory.getInt(buffer);
        } finally {
            NativeMemory.free(buffer);
        }
    }

    private static void setOption(Fd fd, int level, int name, int value) throws PosixException {
        long buffer = NativeMemory.allocate(Integer.BYTES);
        try {
            NativeMemory.putInt(buffer, value);
            Posix.check("setsockopt", C.setsockopt(fd.value(), level, name, buffer, Integer.BYTES));
        } finally {
            NativeMemory.free(buffer);
        }
    }
}
