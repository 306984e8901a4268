package org.vportd.daemon;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.vportd.chardev.ConfigException;
import org.vportd.loop.EventLoop;

/**
 * Turns SIGTERM, SIGINT and SIGHUP into an orderly end with status 0: the loop is stopped, everything is closed, and only
 * then does the virtual machine go. An end that takes too long is not waited for.
 */
final class Termination {
    private static final long PATIENCE_MS = 900;

    private final EventLoop loop;
    private final Thread main = Thread.currentThread();
    private final Thread hook = new Thread(this::signalled, "vportd-signal");
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile boolean signalled;

    private Termination(EventLoop loop) {
        this.loop = loop;
    }

    /** What runs the loop and closes everything before it returns. */
    interface Body {
        void run(Termination termination) throws ConfigException, StartException;
    }

    /** Runs the body on the calling thread, which is the one that runs the loop, and ends it when a signal comes. */
    static void whileRunning(EventLoop loop, Body body) throws ConfigException, StartException {
        Termination termination = new Termination(loop);
        Runtime.getRuntime().addShutdownHook(termination.hook);
        try {
            body.run(termination);
        } finally {
            termination.finished();
        }
    }

    /** Whether a signal has come, and not only the program's own end. */
    boolean isSignalled() {
        return signalled;
    }

    private void signalled() {
        signalled = true;
        loop.stop();
        main.interrupt(); // it may still be connecting to a host that does not answer
        boolean orderly = false;
        try {
            orderly = closed.await(PATIENCE_MS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(orderly ? 0 : 1); // without it the status would be that of the signal
    }

    private void finished() {
        closed.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) { // a signal came: the hook is about to end the process
            try {
                hook.join();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
