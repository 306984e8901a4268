package org.vportd.loop;

import java.util.concurrent.TimeUnit;

/**
 * How long it pays to look for work before sleeping: longer while work comes soon, not at all while it stays away. The
 * window doubles whenever the loop fell asleep and was woken within the budget, and shrinks to a quarter whenever work took
 * longer than the budget to come.
 */
final class PollWindow {
    private static final long FIRST_NS = TimeUnit.MICROSECONDS.toNanos(10);

    private final long budgetNs;
    private long windowNs;

    /**
     * Makes one that is closed.
     *
     * @param budgetNs the longest window; 0 for none at all
     */
    PollWindow(long budgetNs) {
        this.budgetNs = budgetNs;
    }

    /** Whether it may ever open. */
    boolean isAllowed() {
        return budgetNs > 0;
    }

    long budgetNs() {
        return budgetNs;
    }

    /** How long to look now. */
    long windowNs() {
        return windowNs;
    }

    /** Work has come after a time without. */
    void workCame(long idleNs) {
        if (idleNs > budgetNs) {
            long shrunk = windowNs / 4;
            windowNs = shrunk < FIRST_NS ? 0 : shrunk;
        } else if (idleNs >= windowNs) {
            windowNs = Math.min(budgetNs, Math.max(FIRST_NS, 2 * windowNs));
        }
    }
}
