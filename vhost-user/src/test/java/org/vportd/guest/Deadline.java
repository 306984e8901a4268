package org.vportd.guest;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** The point in time at which a wait fails. */
final class Deadline {
    private static final long PAUSE_NS = 5_000_000;

    private final Duration timeout;
    private final long endNs;

    private Deadline(Duration timeout) {
        this.timeout = timeout;
        this.endNs = System.nanoTime() + timeout.toNanos();
    }

    static Deadline after(Duration timeout) {
        return new Deadline(timeout);
    }

    boolean isOver() {
        return remainingNs() <= 0;
    }

    long remainingNs() {
        return endNs - System.nanoTime();
    }

    /** Milliseconds left, at least 1, as 0 means "for ever" to selectors and monitors. */
    long remainingMs() {
        return Math.max(1, remainingNs() / 1_000_000);
    }

    Duration timeout() {
        return timeout;
    }

    /** Tries until an attempt succeeds, at most until the deadline; false if none did. */
    boolean await(Attempt attempt) throws IOException {
        while (!attempt.succeeds()) {
            if (isOver()) {
                return false;
            }
            LockSupport.parkNanos(PAUSE_NS);
        }
        return true;
    }

    /** One try of something that becomes possible some time. */
    @FunctionalInterface
    interface Attempt {
        boolean succeeds() throws IOException;
    }
}
