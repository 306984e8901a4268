package org.vportd.virtio.queue;

import java.lang.invoke.VarHandle;

/** The calls to the driver of a queue: one for all that it is shown together, if it wants one and does not look by itself. */
final class DriverCalls {
    private final VirtQueue queue;
    private final int many;
    private final DriverNotifier notifier;
    private final CallPatience patience = new CallPatience();
    /** Steps of the ring shown to the driver since it was asked last whether it wants a call. */
    private int uncalled;

    private boolean called;

    /**
     * @param many after how many steps {@link #makeIfMany} makes the call
     */
    DriverCalls(VirtQueue queue, int many, DriverNotifier notifier) {
        this.queue = queue;
        this.many = many;
        this.notifier = notifier;
    }

    /** The driver has been shown so many steps more. */
    void shown(int steps) {
        uncalled += steps;
    }

    /** Whether the driver was never called. */
    boolean isFirst() {
        return !called;
    }

    /** Calls the driver if it wants that for what it was shown. */
    void make() {
        int steps = uncalled;
        uncalled = 0;
        if (steps > 0 && queue.driverWantsCall(steps) && (!called || !seesByItself(steps))) {
            called = true;
            notifier.call();
        }
    }

    /** The same if it was shown much, otherwise leaves it to the next one. */
    void makeIfMany() {
        if (uncalled >= many) {
            make();
        }
    }

    /** Calls the driver if it was shown anything: the ring, which would say whether it wants that, may have gone. */
    void makeUnasked() {
        if (uncalled > 0) {
            uncalled = 0;
            notifier.call();
        }
    }

    /** Whether the driver, which wants a call, has seen what was shown before one could reach it. */
    private boolean seesByItself(int steps) {
        if (!patience.isWorthwhile()) {
            return false;
        }
        for (int look = 0; look < CallPatience.LOOKS; look++) {
            Thread.onSpinWait();
            VarHandle.acquireFence(); // each look reads anew
            if (!queue.driverWantsCall(steps)) {
                patience.paid();
                return true;
            }
        }
        patience.wasted();
        return false;
    }
}
