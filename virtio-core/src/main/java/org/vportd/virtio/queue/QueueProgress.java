package org.vportd.virtio.queue;

import java.lang.invoke.VarHandle;
import org.vportd.posix.NativeMemory;

/**
 * How far a device has come in the buffers of a queue, noted in memory that outlives it. Two words, each written at once:
 *
 * <table>
 * <caption>16 bytes, in the machine's order</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>8</td><td>what was consumed from the place on that the driver sees as the first not returned</td></tr>
 * <tr><td>8</td><td>8</td><td>the next such place, and what was consumed from there on</td></tr>
 * </table>
 *
 * <p>A word holds the place in its upper 16 bits, and bytes below. The first is written after the device has consumed
 * something, the second before the driver sees that chains are returned. So one of the two is right at any moment: the one
 * whose place is that of the ring.
 */
public final class QueueProgress {
    /** Bytes that it takes. */
    public static final int LENGTH = 16;

    private static final int NEXT_OFFSET = 8;
    private static final int PLACE_SHIFT = 48;
    private static final long BYTES_MASK = (1L << PLACE_SHIFT) - 1;
    /** So many are never consumed. */
    private static final long NOTHING = -1;

    private final long address;

    /**
     * Makes a view of the notes.
     *
     * @param address aligned to 8 bytes
     */
    public QueueProgress(long address) {
        this.address = address;
    }

    /** Has nothing noted. */
    public static void clear(long address) {
        NativeMemory.putLong(address, NOTHING);
        NativeMemory.putLong(address + NEXT_OFFSET, NOTHING);
    }

    /** Forgets all that was noted. */
    public void clear() {
        clear(address);
    }

    /** Where the device was, if the ring is at a place: perhaps some chains further on. */
    public HeldPosition at(int base) {
        long current = NativeMemory.getLong(address);
        if (isAt(current, base)) {
            return position(current, base); // the newer one, should both be
        }
        long next = NativeMemory.getLong(address + NEXT_OFFSET);
        return isAt(next, base) ? position(next, base) : HeldPosition.NONE;
    }

    private static boolean isAt(long word, int base) {
        return word != NOTHING && word >>> PLACE_SHIFT == (base & 0xffff);
    }

    private static HeldPosition position(long word, int base) {
        long bytes = word & BYTES_MASK;
        return bytes == 0 ? HeldPosition.NONE : new HeldPosition(base, bytes);
    }

    /**
     * Bytes have been consumed.
     *
     * @param base the place that the driver sees
     * @param bytes all that was consumed from there on
     */
    void consumed(int base, long bytes) {
        NativeMemory.putLong(address, word(base, bytes));
        VarHandle.releaseFence();
    }

    /**
     * The driver is going to see that chains are returned.
     *
     * @param base the place that it will see
     * @param bytes what was consumed from there on
     */
    void returning(int base, long bytes) {
        NativeMemory.putLong(address + NEXT_OFFSET, word(base, bytes));
        VarHandle.releaseFence();
    }

    private static long word(int base, long bytes) {
        return (long) (base & 0xffff) << PLACE_SHIFT | (bytes & BYTES_MASK);
    }
}
