package org.vportd.chardev;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.vportd.loop.EventLoop;
import org.vportd.posix.PosixException;

/** A loop that the test's own thread turns. */
public final class TestLoop implements AutoCloseable {
    private static final long LINGER_NS = TimeUnit.SECONDS.toNanos(6);
    private static final long DEADLINE_NS = TimeUnit.SECONDS.toNanos(20);

    private final EventLoop loop;

    /** Makes one. */
    public TestLoop() throws PosixException {
        loop = EventLoop.open();
    }

    /** The loop itself. */
    public EventLoop loop() {
        return loop;
    }

    /** Turns until something is so; fails if that takes too long. */
    public void until(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + DEADLINE_NS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("did not happen: " + what);
            }
            loop.turn(5);
        }
    }

    /** Turns without waiting until nothing is left to do. */
    public void settle() {
        int idle = 0;
        for (int turns = 0; idle < 3; turns++) {
            if (turns == 100_000) {
                throw new AssertionError("the loop spins");
            }
            idle = loop.turn(0) == 0 ? idle + 1 : 0;
        }
    }

    @Override
    public void close() {
        long deadline = System.nanoTime() + LINGER_NS;
        while (ClosingSocket.lingering() > 0 && System.nanoTime() - deadline < 0) {
            loop.turn(5);
        }
        loop.close();
    }
}
