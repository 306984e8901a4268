package org.vportd.virtio.queue;

/**
 * How far into a chain a device had come when its queue was stopped: the chain goes back to the ring whole, and whoever
 * gets it again skips what has been consumed.
 *
 * @param index where the chain is found again, as {@link VirtQueue#base} has it: with wrap counters in a packed ring
 * @param bytes what was consumed of it; 0 if nothing was
 */
public record HeldPosition(int index, long bytes) {
    /** Nothing is held. */
    public static final HeldPosition NONE = new HeldPosition(0, 0);
}
