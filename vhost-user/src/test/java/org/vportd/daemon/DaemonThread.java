package org.vportd.daemon;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.vportd.loop.EventLoop;

/** A daemon in a thread of this process. */
final class DaemonThread implements AutoCloseable {
    private static final long PATIENCE_S = 20;

    private final EventLoop loop;
    private final Thread thread;
    private boolean closed;

    private interface Starter {
        Daemon start(EventLoop loop) throws Exception;
    }

    /** One that a command line starts. */
    DaemonThread(List<String> args) throws Exception {
        this(ServeCommand.config(args).withoutNotices());
    }

    DaemonThread(DaemonConfig config) throws Exception {
        this(loop -> Daemon.start(loop, config));
    }

    /** One that takes the place of another. */
    static DaemonThread takingOver(Path handover) throws Exception {
        return new DaemonThread(loop -> Daemon.takeOver(loop, handover.toString()));
    }

    private DaemonThread(Starter starter) throws Exception {
        loop = EventLoop.open();
        CompletableFuture<Boolean> started = new CompletableFuture<>();
        thread = new Thread(() -> run(starter, started), "test-daemon");
        thread.start();
        try {
            boolean unused = started.get(PATIENCE_S, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            awaitEnd();
            throw e;
        }
    }

    private void run(Starter starter, CompletableFuture<Boolean> started) {
        try (Daemon daemon = starter.start(loop)) {
            started.complete(true);
            int unused = daemon.run();
        } catch (Exception | Error e) {
            if (started.completeExceptionally(e)) {
                return;
            }
            throw new IllegalStateException("the daemon has failed", e);
        }
    }

    /** Waits until it has ended by itself, and closes what is left of it. */
    void awaitEnd() {
        join();
        closed = true;
        loop.close();
    }

    @Override
    public void close() {
        if (!closed) {
            loop.stop();
            awaitEnd();
        }
    }

    private void join() {
        try {
            thread.join(TimeUnit.SECONDS.toMillis(PATIENCE_S));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (thread.isAlive()) {
            throw new AssertionError("the daemon does not stop");
        }
    }
}
