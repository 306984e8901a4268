package org.vportd.vhostuser.frontend;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Epoll;
import org.vportd.posix.EventFd;
import org.vportd.posix.PosixException;

/**
 * A thread that drives {@link PortFlow}s, of one guest or several, and waits for calls when none has anything to do. It
 * stands still until {@link #go}. While it exists nobody else may use the guests.
 */
public final class FlowLoop implements AutoCloseable {
    private static final int WAIT_MS = 100;
    private static final int WAKE = -1;
    private static final long CLOSE_TIMEOUT_MS = TimeUnit.SECONDS.toMillis(5);

    private final PortFlow[] flows;
    private final long spinNs;
    private final Epoll epoll;
    private final EventFd wake;
    private final Thread thread;
    private final AtomicLong spunNs = new AtomicLong();
    private final CountDownLatch started = new CountDownLatch(1);
    private volatile boolean going;
    private volatile boolean closing;
    private volatile boolean still = true;
    private volatile @Nullable Throwable failure;
    private volatile @Nullable Path task;

    /**
     * Starts the thread.
     *
     * @param flows those of one guest each with calls through eventfds
     * @param spinNs how long to look for returned buffers before waiting for a call
     */
    public FlowLoop(List<PortFlow> flows, long spinNs) throws PosixException {
        this.flows = flows.toArray(PortFlow[]::new);
        this.spinNs = spinNs;
        this.epoll = new Epoll(Math.max(1, flows.size() + 1));
        this.wake = EventFd.open(0);
        epoll.add(wake.fd(), Epoll.EPOLLIN, WAKE);
        for (int i = 0; i < this.flows.length; i++) {
            epoll.add(this.flows[i].callHeard(), Epoll.EPOLLIN, i);
        }
        this.thread = new Thread(this::run, "flows");
        thread.setDaemon(true);
        thread.start();
    }

    /** Lets the flows go. */
    public void go() throws IOException {
        throwFailure();
        going = true;
        still = false;
        wake.signal();
    }

    /**
     * Stops them; answers once all that was sent has been taken.
     *
     * @throws FrontendException if that takes too long
     */
    public void halt(long timeoutMs) throws IOException {
        going = false;
        wake.signal();
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
        synchronized (this) {
            while (!still && failure == null) {
                long leftMs = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (leftMs <= 0) {
                    throw new FrontendException("device does not take what it was given: timeout=" + timeoutMs + "ms");
                }
                try {
                    wait(Math.min(leftMs, WAIT_MS));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new FrontendException("interrupted");
                }
            }
        }
        throwFailure();
    }

    /** Throws what has ended the thread, if anything has. */
    public void throwFailure() throws FrontendException {
        Throwable what = failure;
        if (what != null) {
            throw new FrontendException("flows have ended: " + what);
        }
    }

    /** Where the kernel tells of the thread, below {@code /proc}. */
    public Path task() throws IOException {
        try {
            if (started.await(CLOSE_TIMEOUT_MS, TimeUnit.MILLISECONDS) && task != null) {
                return task;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new FrontendException("thread has not started");
    }

    /** How long the thread has looked in vain for returned buffers, a moment ago. Thread: any. */
    public long spunNs() {
        return spunNs.get();
    }

    private void run() {
        try {
            task = Path.of("/proc").resolve(Files.readSymbolicLink(Path.of("/proc/thread-self")));
            started.countDown();
            while (!closing) {
                if (going) {
                    work(true);
                } else if (still) {
                    sleep();
                } else {
                    drain();
                }
            }
        } catch (IOException | RuntimeException | Error e) {
            failure = e;
        } finally {
            started.countDown();
        }
    }

    private void drain() throws IOException {
        work(false);
        boolean drained = true;
        for (PortFlow flow : flows) {
            drained &= flow.isDrained();
        }
        if (drained && !going) {
            synchronized (this) {
                still = true;
                notifyAll();
            }
        }
    }

    /** Turns the flows as long as anything comes back, then waits for a call. */
    private void work(boolean give) throws IOException {
        PortFlow[] all = flows;
        for (PortFlow flow : all) {
            flow.disableCalls();
        }
        boolean more = true;
        while (more && going == give && !closing) {
            int moved = 0;
            for (PortFlow flow : all) {
                moved += flow.turn(give);
            }
            more = moved > 0 || (give && spin(all));
        }
        await(all);
    }

    /** Looks for returned buffers for a while; answers whether there are any. */
    private boolean spin(PortFlow[] all) {
        if (spinNs == 0) {
            return false;
        }
        long start = System.nanoTime();
        long now = start;
        boolean used = false;
        while (!used && now - start < spinNs && going && !closing) {
            Thread.onSpinWait();
            for (PortFlow flow : all) {
                used |= flow.hasUsed();
            }
            now = System.nanoTime();
        }
        spunNs.lazySet(spunNs.getPlain() + now - start);
        return used;
    }

    private void await(PortFlow[] all) throws IOException {
        boolean news = false;
        boolean drained = true;
        for (PortFlow flow : all) {
            news |= flow.enableCalls();
            drained &= flow.isDrained();
        }
        if (!news && (going || !drained)) {
            sleep();
        }
    }

    private void sleep() throws IOException {
        int events = epoll.await(WAIT_MS);
        for (int i = 0; i < events; i++) {
            int source = (int) epoll.dataAt(i);
            if (source == WAKE) {
                wake.drain();
            } else {
                flows[source].takeCalls();
            }
        }
    }

    /** Ends the thread; the device keeps what it has. */
    @Override
    public void close() {
        closing = true;
        try {
            wake.signal();
            thread.join(CLOSE_TIMEOUT_MS);
        } catch (PosixException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!thread.isAlive()) {
            wake.close();
            epoll.close();
        }
    }
}
