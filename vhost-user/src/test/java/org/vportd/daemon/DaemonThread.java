package org.vportd.daemon;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.vportd.loop.EventLoop;

/** A daemon in a thread of this process. */
final class DaemonThread implements AutoCloseable {
    private static final long PATIENCE_S = 20;

    private final EventLoop loop;
    private final Thread thread;

    interface Config {
        DaemonConfig make() throws Exception;
    }

    DaemonThread(Config config) throws Exception {
        loop = EventLoop.open();
        CompletableFuture<Boolean> started = new CompletableFuture<>();
        thread = new Thread(() -> run(config, started), "test-daemon");
        thread.start();
        boolean unused = started.get(PATIENCE_S, TimeUnit.SECONDS);
    }

    private void run(Config config, CompletableFuture<Boolean> started) {
        try (Daemon daemon = Daemon.start(loop, config.make())) {
            started.complete(true);
            int unused = daemon.run();
        } catch (Exception | Error e) {
            started.completeExceptionally(e);
            throw new IllegalStateException("the daemon has failed", e);
        }
    }

    @Override
    public void close() {
        loop.stop();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(PATIENCE_S));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (thread.isAlive()) {
            throw new AssertionError("the daemon does not stop");
        }
        loop.close();
    }
}
