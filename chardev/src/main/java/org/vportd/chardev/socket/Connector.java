package org.vportd.chardev.socket;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;
import org.vportd.loop.Watch;
import org.vportd.posix.Epoll;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.Poll;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;

/**
 * Connects a client: once while the caller waits ({@link #connectNow}), or in the background, again and again until it has
 * worked ({@link #start}). Of the failures in a row only the first is logged.
 */
final class Connector implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Connector.class.getName());
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(10);
    private static final int STEP_MS = 100;

    private final EventLoop loop;
    private final String id;
    private final SocketAddress address;
    private final long intervalNs;
    private final Consumer<Fd> connected;
    private final LoopTimer timer;
    private @Nullable Fd pending;
    private @Nullable Watch pendingWatch;
    private boolean reported;
    private boolean closed;

    /**
     * Makes one that does nothing yet.
     *
     * @param intervalNs the time from a failure to the next attempt
     * @param connected given each connection, which it then owns
     */
    Connector(EventLoop loop, String id, SocketAddress address, long intervalNs, Consumer<Fd> connected) {
        this.loop = loop;
        this.id = id;
        this.address = address;
        this.intervalNs = intervalNs;
        this.connected = connected;
        this.timer = loop.timer(this::start);
    }

    // --- while the caller waits

    /**
     * Connects, waiting some seconds at most.
     *
     * @throws ConfigException if that fails, or the thread is interrupted
     */
    static Fd connectNow(SocketAddress address) throws ConfigException {
        try {
            if (address instanceof SocketAddress.Unix unix) {
                return connectUnix(unix);
            }
            if (address instanceof SocketAddress.Inet inet) {
                return connectTcp(inet);
            }
            return InheritedSocket.take((SocketAddress.Inherited) address, false);
        } catch (IOException e) {
            throw new OpenException(String.valueOf(e.getMessage()));
        }
    }

    private static Fd connectUnix(SocketAddress.Unix unix) throws IOException {
        UnixAddress at = unix.isAbstract()
                ? UnixAddress.ofAbstract(unix.path(), unix.isTight())
                : UnixAddress.ofPath(unix.path());
        try {
            return at.connect();
        } catch (PosixException e) {
            throw new IOException("Failed to connect to '" + unix.path() + "': " + e.errorText(), e);
        }
    }

    private static Fd connectTcp(SocketAddress.Inet inet) throws IOException {
        IOException failure = null;
        for (InetSocketAddress candidate : InetResolver.resolve(inet)) {
            try {
                return waitFor(Sockets.connectTcp(candidate));
            } catch (PosixException e) {
                failure = failure(inet, e);
            }
        }
        throw failure == null ? failure(inet, new PosixException("connect", Errno.ENOENT)) : failure;
    }

    private static Fd waitFor(Fd fd) throws PosixException {
        try {
            int error = Errno.ETIMEDOUT;
            long start = System.nanoTime();
            while (System.nanoTime() - start < PATIENCE_NS
                    && !Thread.currentThread().isInterrupted()) {
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

    private static IOException failure(SocketAddress.Inet inet, PosixException cause) {
        return new IOException("Failed to connect to '" + inet.hostAndPort() + "': " + cause.errorText(), cause);
    }

    // --- in the background

    /** Tries now. */
    void start() {
        try {
            if (address instanceof SocketAddress.Unix unix) {
                succeeded(connectUnix(unix));
            } else if (address instanceof SocketAddress.Inet inet) {
                if (InetResolver.isNumeric(inet.host())) {
                    tryEach(inet, InetResolver.resolve(inet), 0);
                } else {
                    resolve(inet);
                }
            }
        } catch (IOException e) {
            failed(e);
        }
    }

    /** Tries after the interval. */
    void startLater() {
        timer.start(intervalNs);
    }

    /** Asking the name service waits, so it has a thread of its own for as long as that takes. */
    private void resolve(SocketAddress.Inet inet) {
        Thread thread = new Thread(
                () -> {
                    try {
                        List<InetSocketAddress> found = InetResolver.resolve(inet);
                        post(() -> tryEach(inet, found, 0));
                    } catch (IOException e) {
                        post(() -> failed(e));
                    }
                },
                "resolve-" + id);
        thread.setDaemon(true);
        thread.start();
    }

    private void post(Runnable continuation) {
        try {
            loop.post(() -> {
                if (!closed) {
                    continuation.run();
                }
            });
        } catch (IllegalStateException e) {
            LOG.log(Level.DEBUG, "the loop has ended: chardev=" + id);
        }
    }

    private void tryEach(SocketAddress.Inet inet, List<InetSocketAddress> candidates, int index) {
        try {
            Fd fd = Sockets.connectTcp(candidates.get(index));
            pending = fd;
            pendingWatch = loop.watch(fd, Epoll.EPOLLOUT, events -> decided(fd, inet, candidates, index));
        } catch (PosixException e) {
            abandonPending();
            tryNext(inet, candidates, index, e);
        }
    }

    private void decided(Fd fd, SocketAddress.Inet inet, List<InetSocketAddress> candidates, int index) {
        int error;
        try {
            error = Sockets.connectError(fd);
        } catch (PosixException e) {
            error = e.errno();
        }
        if (error != 0) {
            abandonPending();
            tryNext(inet, candidates, index, new PosixException("connect", error));
            return;
        }
        if (pendingWatch != null) {
            pendingWatch.close();
            pendingWatch = null;
        }
        pending = null;
        succeeded(fd);
    }

    private void tryNext(SocketAddress.Inet inet, List<InetSocketAddress> candidates, int index, PosixException e) {
        if (index + 1 < candidates.size()) {
            tryEach(inet, candidates, index + 1);
        } else {
            failed(failure(inet, e));
        }
    }

    private void succeeded(Fd fd) {
        reported = false;
        connected.accept(fd);
    }

    private void failed(IOException failure) {
        if (!reported) {
            reported = true;
            LOG.log(Level.WARNING, "Unable to connect character device " + id + ": " + failure.getMessage());
        }
        startLater();
    }

    private void abandonPending() {
        if (pendingWatch != null) {
            pendingWatch.close();
            pendingWatch = null;
        }
        if (pending != null) {
            pending.close();
            pending = null;
        }
    }

    @Override
    public void close() {
        closed = true;
        timer.cancel();
        abandonPending();
    }
}
