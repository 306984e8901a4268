package org.vportd.chardev.socket;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;
import org.vportd.loop.Watch;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/**
 * Connects a client in the background, again and again until it has worked. Of the failures in a row only the first is
 * logged.
 */
final class Connector implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Connector.class.getName());

    private final EventLoop loop;
    private final String id;
    private final SocketAddress address;
    private final long intervalNs;
    private final Consumer<Fd> connected;
    private final LoopTimer timer;
    private @Nullable Fd pending;
    private @Nullable Watch pendingWatch;
    private boolean reported;
    /** Tells answers to the present question from those to earlier ones. */
    private int question;

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

    /** Tries now. */
    void start() {
        if (address instanceof SocketAddress.Inet inet && Dialer.hasToAsk(inet)) {
            ask(inet);
            return;
        }
        try {
            follow(Dialer.ways(address, 0), 0);
        } catch (IOException e) {
            failed(e);
        }
    }

    /** Tries after the interval. */
    void startLater() {
        timer.start(intervalNs);
    }

    /** Gives up trying until it is started again. */
    void stop() {
        question++;
        timer.cancel();
        abandonPending();
    }

    /** Asking the name service waits, so it has a thread of its own for as long as that takes. */
    private void ask(SocketAddress.Inet inet) {
        int asked = ++question;
        Thread thread = new Thread(
                () -> {
                    try {
                        List<Dialer.Way> found = Dialer.ways(inet, InetResolver.resolve(inet.host()));
                        post(asked, () -> follow(found, 0));
                    } catch (IOException e) {
                        post(asked, () -> failed(e));
                    }
                },
                "resolve-" + id);
        thread.setDaemon(true);
        thread.start();
    }

    private void post(int asked, Runnable continuation) {
        try {
            loop.post(() -> {
                if (asked == question) {
                    continuation.run();
                }
            });
        } catch (IllegalStateException e) {
            LOG.log(Level.DEBUG, "the loop has ended: chardev=" + id);
        }
    }

    private void follow(List<Dialer.Way> ways, int index) {
        try {
            Fd fd = ways.get(index).start();
            pending = fd;
            pendingWatch = loop.watch(fd, Epoll.EPOLLOUT, events -> decided(fd, ways, index));
        } catch (PosixException e) {
            abandonPending();
            followNext(ways, index, e);
        }
    }

    private void decided(Fd fd, List<Dialer.Way> ways, int index) {
        int error;
        try {
            error = Sockets.connectError(fd);
        } catch (PosixException e) {
            error = e.errno();
        }
        if (error != 0) {
            abandonPending();
            followNext(ways, index, new PosixException("connect", error));
            return;
        }
        if (pendingWatch != null) {
            pendingWatch.close();
            pendingWatch = null;
        }
        pending = null;
        connected.accept(fd);
    }

    private void followNext(List<Dialer.Way> ways, int index, PosixException failure) {
        if (index + 1 < ways.size()) {
            follow(ways, index + 1);
        } else {
            failed(Dialer.failure(address, failure));
        }
    }

    private void failed(IOException failure) {
        report(String.valueOf(failure.getMessage()));
        startLater();
    }

    /** Logs why there is no connection, once until there has been one. */
    void report(String reason) {
        if (!reported) {
            reported = true;
            LOG.log(Level.WARNING, "Unable to connect character device " + id + ": " + reason);
        }
    }

    /** Whether {@link #report} has logged a failure that lasts. */
    boolean hasReported() {
        return reported;
    }

    /** The failure that lasts has been logged by another process. */
    void inheritReport(boolean wasReported) {
        reported = wasReported;
    }

    /** The connection works, so the next one that does not is worth a line again. */
    void succeeded() {
        reported = false;
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
        stop();
    }
}
