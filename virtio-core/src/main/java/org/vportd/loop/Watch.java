package org.vportd.loop;

import org.vportd.posix.Fd;

/** A descriptor being watched by a loop. Must be closed before the descriptor is. Loop thread only. */
public final class Watch implements AutoCloseable {
    private final EventLoop loop;
    private final ReadyHandler handler;
    final Fd fd;
    final int slot;
    final int generation;
    final int interest;
    private boolean closed;

    Watch(EventLoop loop, Fd fd, int slot, int generation, int interest, ReadyHandler handler) {
        this.loop = loop;
        this.fd = fd;
        this.slot = slot;
        this.generation = generation;
        this.interest = interest;
        this.handler = handler;
    }

    void fire(int events) {
        handler.onReady(events);
    }

    /**
     * Has the kernel look at the descriptor anew: what it is ready for now is reported in the next turn. For a watch of
     * changes ({@code EPOLLET}) whose owner cannot tell whether a change is still to come.
     */
    public void rearm() {
        loop.rearm(this);
    }

    /** Ends the watch: the handler is not called again, not even for events of this turn. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            loop.unwatch(this);
        }
    }
}
