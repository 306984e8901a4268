package org.vportd.loop;

import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;

/** A descriptor being watched by a loop. Must be closed before the descriptor is. Loop thread only. */
public final class Watch implements AutoCloseable {
    final @Nullable EventLoop loop;
    private final ReadyHandler handler;
    final Fd fd;
    private int interest;
    int slot;
    int generation;
    private boolean closed;

    Watch(@Nullable EventLoop loop, Fd fd, int interest, ReadyHandler handler) {
        this.loop = loop;
        this.fd = fd;
        this.interest = interest;
        this.handler = handler;
    }

    private Reactor reactor() {
        if (loop == null) {
            throw new IllegalStateException("a reactor's own watch is never closed");
        }
        return loop.reactor();
    }

    /** The bits of {@link org.vportd.posix.Epoll} that it is told of. */
    public int interest() {
        return interest;
    }

    /** Changes what it is told of; what the descriptor is ready for now is reported in the next turn. */
    public void setInterest(int bits) {
        interest = bits;
        reactor().rearm(this);
    }

    void fire(int events) {
        handler.onReady(events);
    }

    /**
     * Has the kernel look at the descriptor anew: what it is ready for now is reported in the next turn. For a watch of
     * changes ({@code EPOLLET}) whose owner cannot tell whether a change is still to come.
     */
    public void rearm() {
        reactor().rearm(this);
    }

    /** Ends the watch: the handler is not called again, not even for events of this turn. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            reactor().remove(this);
        }
    }
}
