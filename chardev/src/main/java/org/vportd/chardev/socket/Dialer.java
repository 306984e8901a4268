package org.vportd.chardev.socket;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.Poll;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;
import org.vportd.posix.VsockAddress;

/** The ways to a server: how to set out on each, and how to wait for the first that leads there. */
final class Dialer {
    private static final int STEP_MS = 100;
    private static final long BUSY_STEP_NS = TimeUnit.MILLISECONDS.toNanos(10);

    private Dialer() {}

    /** A way to a server. */
    interface Way {
        /** Sets out: once the socket is writable, {@link Sockets#connectError} tells whether it got there. */
        Fd start() throws PosixException;
    }

    /** Whether finding the ways may take time. */
    static boolean hasToAsk(SocketAddress.Inet inet) {
        return !inet.host().isNumeric() && !InetResolver.isNumeric(inet.host().host());
    }

    /**
     * Finds the ways; there is at least one.
     *
     * @param patienceNs how long to wait for the name service at most
     * @throws IOException if the address is none, or was not found
     */
    static List<Way> ways(SocketAddress address, long patienceNs) throws IOException {
        if (address instanceof SocketAddress.Inet inet) {
            return ways(inet, InetResolver.resolve(inet.host(), patienceNs));
        }
        if (address instanceof SocketAddress.Vsock vsock) {
            return List.of(new VsockAddress(vsock.cid(), vsock.port())::connect);
        }
        if (address instanceof SocketAddress.Unix unix) {
            UnixAddress at = unix.isAbstract()
                    ? UnixAddress.ofAbstract(unix.path(), unix.isTight())
                    : UnixAddress.ofPath(unix.path());
            return List.of(at::connect);
        }
        throw new IllegalArgumentException("nothing to connect to: " + address);
    }

    /** The ways to addresses that have been found already. */
    static List<Way> ways(SocketAddress.Inet inet, List<InetSocketAddress> candidates) {
        List<Way> ways = new ArrayList<>();
        for (InetSocketAddress candidate : candidates) {
            ways.add(() -> Sockets.connectTcp(candidate, inet.isMultipath()));
        }
        return ways;
    }

    /** What to say when no way has led there. */
    static IOException failure(SocketAddress address, PosixException cause) {
        if (cause.errno() == Errno.EAFNOSUPPORT && address instanceof SocketAddress.Vsock) {
            return new IOException("socket family AF_VSOCK unsupported", cause);
        }
        String target = address.describe("");
        if (address instanceof SocketAddress.Unix unix) {
            target = unix.path();
        } else if (address instanceof SocketAddress.Inet inet) {
            target = inet.host().toString();
        } else if (address instanceof SocketAddress.Vsock vsock) {
            target = vsock.numbers();
        }
        return new IOException("Failed to connect to '" + target + "': " + cause.errorText(), cause);
    }

    /**
     * Connects.
     *
     * @param patienceNs how long to wait at most
     * @throws ConfigException if that fails, or the thread is interrupted
     */
    static Fd connect(SocketAddress address, long patienceNs) throws ConfigException {
        long deadline = System.nanoTime() + patienceNs;
        PosixException failure = new PosixException("connect", Errno.ETIMEDOUT);
        try {
            for (Way way : ways(address, patienceNs)) {
                try {
                    return follow(way, deadline);
                } catch (PosixException e) {
                    failure = e;
                }
            }
            throw failure(address, failure);
        } catch (IOException e) {
            throw new OpenException(String.valueOf(e.getMessage()));
        }
    }

    private static Fd follow(Way way, long deadline) throws PosixException {
        Fd fd = start(way, deadline);
        try {
            int error = Errno.ETIMEDOUT;
            while (isTimeLeft(deadline)) {
                if (Poll.await(fd, Poll.POLLOUT, STEP_MS) != 0) {
                    error = Sockets.connectError(fd);
                    break;
                }
            }
            if (error == 0) {
                return fd;
            }
            throw new PosixException("connect", error);
        } catch (PosixException e) {
            fd.close();
            throw e;
        }
    }

    /** The queue of a UNIX server may be full for the moment, and nothing tells when it no longer is. */
    private static Fd start(Way way, long deadline) throws PosixException {
        while (true) {
            try {
                return way.start();
            } catch (PosixException e) {
                if (e.errno() != Errno.EAGAIN || !isTimeLeft(deadline)) {
                    throw e;
                }
                LockSupport.parkNanos(BUSY_STEP_NS);
            }
        }
    }

    private static boolean isTimeLeft(long deadline) {
        return System.nanoTime() - deadline < 0 && !Thread.currentThread().isInterrupted();
    }
}
