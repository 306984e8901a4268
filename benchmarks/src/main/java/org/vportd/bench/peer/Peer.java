package org.vportd.bench.peer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** A thread at the other end of what is measured. */
public abstract sealed class Peer implements AutoCloseable permits StreamPeer, TlsPeer {
    private static final long WAIT_MS = 3000;

    private final Role role;
    private final Thread thread;
    private final CountDownLatch started = new CountDownLatch(1);
    private final AtomicLong bytes = new AtomicLong();
    private volatile Path task = Path.of("/proc/self");

    /** What a peer does. */
    public enum Role {
        /** Reads. */
        TAKE,
        /** Writes. */
        GIVE,
        /** Writes back what it reads. */
        ECHO
    }

    /** Makes one that does not run yet. */
    Peer(String name, Role role) {
        this.role = role;
        this.thread = new Thread(this::run, name + role);
        thread.setDaemon(true);
    }

    final Role role() {
        return role;
    }

    /** Has the thread begin. */
    final void start() {
        thread.start();
    }

    private void run() {
        try {
            task = Path.of("/proc").resolve(Files.readSymbolicLink(Path.of("/proc/thread-self")));
            started.countDown();
            serve();
        } catch (IOException e) {
            // the other end has gone
        } finally {
            started.countDown();
        }
    }

    /** What the thread does; fails when the other end has gone. */
    abstract void serve() throws IOException;

    /** Notes how many bytes have been moved so far. */
    final void moved(long sum) {
        bytes.lazySet(sum);
    }

    /** The bytes moved so far, a moment ago. Thread: any. */
    public final long bytes() {
        return bytes.get();
    }

    /** Where the kernel tells of the thread, below {@code /proc}. */
    public final Path task() throws IOException {
        try {
            if (started.await(WAIT_MS, TimeUnit.MILLISECONDS)) {
                return task;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new IOException("thread has not started: role=" + role);
    }

    /** Waits for the end of the thread, but not for ever; answers whether it has ended. */
    final boolean join() {
        try {
            thread.join(WAIT_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return !thread.isAlive();
    }

    @Override
    public abstract void close();
}
