package org.vportd.loop;

import java.util.function.BooleanSupplier;

/**
 * Something that a loop looks at by itself for a while, so that nobody has to wake it. What finds work goes on until it is
 * cancelled.
 */
public final class LoopPoll {
    final EventLoop loop;
    private final BooleanSupplier look;
    private final Runnable rest;
    private boolean active;
    /** The reactor has it in its list. */
    boolean listed;

    LoopPoll(EventLoop loop, BooleanSupplier look, Runnable rest) {
        this.loop = loop;
        this.look = look;
        this.rest = rest;
    }

    /**
     * Has the loop look from now on, until it finds work or gives up.
     *
     * @return false if the loop does not poll now: it is about to sleep, and has to be woken
     */
    public boolean start() {
        Reactor reactor = loop.reactor();
        if (!reactor.isPolling()) {
            return false;
        }
        active = true;
        if (!listed) {
            listed = true;
            reactor.addPoll(this);
        }
        return true;
    }

    /** Ends it, without a word. */
    public void cancel() {
        active = false;
    }

    /** Looks once; true if there was work. */
    boolean look() {
        return active && look.getAsBoolean();
    }

    /** The loop gives up. */
    void rest() {
        if (active) {
            active = false;
            rest.run();
        }
    }
}
