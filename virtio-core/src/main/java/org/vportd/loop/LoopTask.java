package org.vportd.loop;

/**
 * Work that can be put off to the end of the current turn, again and again without allocation. While one is scheduled the
 * loop does not wait for events, so a handler that has used up its share of a turn goes on in the next one.
 */
public final class LoopTask {
    final EventLoop loop;
    private final Runnable action;
    private boolean scheduled;

    LoopTask(EventLoop loop, Runnable action) {
        this.loop = loop;
        this.action = action;
    }

    /** Has the action run once, after the events that are being handled; more calls before that change nothing. */
    public void schedule() {
        if (!scheduled) {
            scheduled = true;
            loop.reactor().enqueue(this);
        }
    }

    /** Takes a scheduled run back. */
    public void cancel() {
        scheduled = false; // its place in the queue is skipped
    }

    void run() {
        if (scheduled) {
            scheduled = false;
            action.run();
        }
    }
}
