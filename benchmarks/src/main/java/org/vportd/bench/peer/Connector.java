package org.vportd.bench.peer;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.Poll;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/** Opens the peer's end of a {@link Wire}. */
public final class Connector {
    private static final long RETRY_NS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final int CONNECT_MS = 5000;

    private Connector() {}

    /**
     * Opens it.
     *
     * @param where the path, or {@code host:port}
     * @param direction the end of a pair of FIFOs
     */
    public static Fd open(Wire wire, String where, Direction direction) throws IOException {
        return switch (wire) {
            case UNIX, HUB -> unix(where, TimeUnit.MILLISECONDS.toNanos(CONNECT_MS));
            case TCP -> tcp(address(where));
            case PTY -> Posix.open(where, Posix.O_RDWR | Posix.O_NOCTTY, 0);
            case PIPE ->
                direction == Direction.TX
                        ? Posix.open(where + ".out", Posix.O_RDONLY, 0)
                        : Posix.open(where + ".in", Posix.O_WRONLY, 0);
            case TLS, FILE, RINGBUF, NULL ->
                throw new IllegalArgumentException("no descriptor for a peer: wire=" + wire);
        };
    }

    /** Connects to a UNIX socket, which may not be there for a while. */
    public static Fd unix(String path, long timeoutNs) throws IOException {
        long end = System.nanoTime() + timeoutNs;
        while (true) {
            try {
                return Sockets.connectUnix(path);
            } catch (PosixException e) {
                boolean later = e.errno() == Errno.ENOENT || e.errno() == Errno.ECONNREFUSED;
                if (!later || System.nanoTime() - end >= 0) {
                    throw new IOException("nobody listens: path=" + path, e);
                }
                LockSupport.parkNanos(RETRY_NS);
            }
        }
    }

    /** An address of the form {@code host:port}. */
    public static InetSocketAddress address(String where) {
        int colon = where.lastIndexOf(':');
        return new InetSocketAddress(where.substring(0, colon), Integer.parseInt(where.substring(colon + 1)));
    }

    private static Fd tcp(InetSocketAddress address) throws IOException {
        Fd fd = Sockets.connectTcp(address);
        Poll.await(fd, Poll.POLLOUT, CONNECT_MS);
        int error = Sockets.connectError(fd);
        if (error != 0) {
            fd.close();
            throw new PosixException("connect", error);
        }
        Sockets.setNoDelay(fd, true);
        return fd;
    }
}
