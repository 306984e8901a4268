package org.vportd.chardev.layer;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Threads for the arithmetic of handshakes, which takes longer than a loop may; there are none while nobody connects. */
final class HandshakeTasks {
    private static final int THREADS = 2;
    private static final int IDLE_SECONDS = 5;
    private static final Executor EXECUTOR = executor();

    private HandshakeTasks() {}

    private static Executor executor() {
        // Each connection has one entry in the queue at most, so it needs no bound of its own.
        ThreadPoolExecutor executor = new ThreadPoolExecutor(
                THREADS, THREADS, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "tls-handshake");
                    thread.setDaemon(true);
                    return thread;
                });
        executor.allowCoreThreadTimeOut(true);
        return executor;
    }

    static void run(Runnable task) {
        EXECUTOR.execute(task);
    }
}
