package org.vportd.virtio.queue;

/**
 * Whether to give a driver a moment before it is called. One that spins for what it has handed over, as Linux's console
 * driver does at each write, takes it from the ring sooner than a call could reach it, and with an event index it says so:
 * the call, and the guest's interrupt, can be spared then (§2.7.7.2, §2.7.10). One that sleeps has to be called all the
 * same, later by the moment. So it is given only while that pays, and now and then to see whether it would.
 */
final class CallPatience {
    /** How often to look whether the call is still wanted; a few dozen microseconds, about what an interrupt costs a guest. */
    static final int LOOKS = 1024;

    /** One in so many calls is a trial. */
    static final int TRIAL = 1024;

    private static final int MAX_CREDIT = 16;
    private static final int GAIN = 2;
    private static final int LOSS = 4;

    private int credit = MAX_CREDIT;
    private int calls;

    /** Asks about the next call. */
    boolean isWorthwhile() {
        return credit > 0 || ++calls % TRIAL == 0;
    }

    /** The call was spared. */
    void paid() {
        credit = Math.min(MAX_CREDIT, credit + GAIN);
    }

    /** The moment was lost. */
    void wasted() {
        credit = Math.max(0, credit - LOSS);
    }
}
