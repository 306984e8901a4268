package org.vportd.loop;

/** A point in time at which an action runs once; can be set again without allocation. Loop thread only. */
public final class LoopTimer {
    static final int IDLE = -1;

    final EventLoop loop;
    private final Runnable action;
    long deadlineNs;
    int heapIndex = IDLE;

    LoopTimer(EventLoop loop, Runnable action) {
        this.loop = loop;
        this.action = action;
    }

    /** Sets the time from now, replacing an earlier one. */
    public void start(long delayNs) {
        loop.reactor().startTimer(this, delayNs);
    }

    /** Takes the time back; nothing happens if there is none. */
    public void cancel() {
        loop.reactor().cancelTimer(this);
    }

    /** Whether a time is set and has not come yet. */
    public boolean isActive() {
        return heapIndex != IDLE;
    }

    void fire() {
        action.run();
    }
}
