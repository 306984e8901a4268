package org.vportd.posix;

/**
 * A growing queue of byte ranges in native memory, laid out as the {@code struct iovec[]} that scatter/gather calls take:
 * segments are added at the end and consumed, also in the middle of one, at the front.
 *
 * <table>
 * <caption>One segment</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>8</td><td>address</td></tr>
 * <tr><td>8</td><td>8</td><td>length in bytes, never 0</td></tr>
 * </table>
 *
 * <p>Not thread-safe. Native memory is allocated at the first segment and freed by {@link #close}.
 */
public final class IoVector implements AutoCloseable {
    /** The most segments one system call takes ({@code IOV_MAX}). */
    public static final int MAX_SEGMENTS_PER_CALL = 1024;

    private static final int SEGMENT_SHIFT = 4;
    private static final int SEGMENT_LENGTH = 1 << SEGMENT_SHIFT;
    private static final int LENGTH_OFFSET = 8;
    private static final int INITIAL_BYTES = 16 * SEGMENT_LENGTH;

    private long base;
    /** Where the first segment is, where the next one goes, and where the memory ends. */
    private long head;

    private long tail;
    private long limit;
    private long bytes;

    /** Makes an empty vector that holds no native memory yet. */
    public IoVector() {}

    /** Appends a range; an empty one is left out. */
    public void add(long address, long lengthBytes) {
        if (lengthBytes == 0) {
            return;
        }
        if (tail == limit) {
            makeRoom();
        }
        long segment = tail;
        NativeMemory.putLong(segment, address);
        NativeMemory.putLong(segment + LENGTH_OFFSET, lengthBytes);
        tail = segment + SEGMENT_LENGTH;
        bytes += lengthBytes;
    }

    /**
     * Appends ranges of another vector, not the bytes in them.
     *
     * @param skipBytes what to leave out at its front, at most all
     * @param lengthBytes how much to append at most
     */
    public void addPart(IoVector other, long skipBytes, long lengthBytes) {
        long skip = skipBytes;
        long left = lengthBytes;
        for (int i = 0; i < other.segments() && left > 0; i++) {
            long length = other.segmentBytes(i);
            if (skip < length) {
                long n = Math.min(length - skip, left);
                add(other.segmentAddress(i) + skip, n);
                left -= n;
                skip = 0;
            } else {
                skip -= length;
            }
        }
    }

    /** Drops bytes from the front. Range: 0 to {@link #bytes()}. */
    public void consume(long lengthBytes) {
        if (lengthBytes >= bytes) {
            if (lengthBytes > bytes) {
                throw new IllegalArgumentException("consumed more than there is: bytes=" + bytes + " n=" + lengthBytes);
            }
            clear();
            return;
        }
        bytes -= lengthBytes;
        long left = lengthBytes;
        while (left > 0) {
            long segment = head;
            long length = NativeMemory.getLong(segment + LENGTH_OFFSET);
            if (left < length) {
                NativeMemory.putLong(segment, NativeMemory.getLong(segment) + left);
                NativeMemory.putLong(segment + LENGTH_OFFSET, length - left);
                return;
            }
            left -= length;
            head = segment + SEGMENT_LENGTH;
        }
    }

    /** Drops bytes from the end. Range: 0 to {@link #bytes()}. */
    public void truncate(long lengthBytes) {
        if (lengthBytes > bytes) {
            throw new IllegalArgumentException("truncated more than there is: bytes=" + bytes + " n=" + lengthBytes);
        }
        long left = lengthBytes;
        bytes -= lengthBytes;
        while (left > 0) {
            long segment = tail - SEGMENT_LENGTH;
            long length = NativeMemory.getLong(segment + LENGTH_OFFSET);
            if (left < length) {
                NativeMemory.putLong(segment + LENGTH_OFFSET, length - left);
                return;
            }
            left -= length;
            tail = segment;
        }
    }

    /** Drops everything; the native memory is kept for reuse. */
    public void clear() {
        head = base;
        tail = base;
        bytes = 0;
    }

    /** The address of the first segment's {@code struct iovec}; meaningless when empty. */
    public long address() {
        return head;
    }

    /** The number of segments. */
    public int segments() {
        return (int) ((tail - head) >> SEGMENT_SHIFT);
    }

    /** The number of segments to hand to one system call: all of them, up to the kernel's limit. */
    public int callSegments() {
        return Math.min(segments(), MAX_SEGMENTS_PER_CALL);
    }

    /** The sum of the lengths. */
    public long bytes() {
        return bytes;
    }

    /** Whether there is no byte in it. */
    public boolean isEmpty() {
        return bytes == 0;
    }

    /** Whether a byte of a range is in one of the segments. */
    public boolean overlaps(long address, long lengthBytes) {
        for (int i = 0; i < segments(); i++) {
            long start = segmentAddress(i);
            if (Long.compareUnsigned(address - start, segmentBytes(i)) < 0
                    || Long.compareUnsigned(start - address, lengthBytes) < 0) {
                return true;
            }
        }
        return false;
    }

    /** The start of one range. Range: 0 to {@link #segments()} - 1. */
    public long segmentAddress(int index) {
        return NativeMemory.getLong(head + ((long) index << SEGMENT_SHIFT));
    }

    /** The length of one range. Range: 0 to {@link #segments()} - 1. */
    public long segmentBytes(int index) {
        return NativeMemory.getLong(head + ((long) index << SEGMENT_SHIFT) + LENGTH_OFFSET);
    }

    /**
     * Copies bytes from the front to a flat range, without consuming them.
     *
     * @return the bytes copied: the smaller of what there is and {@code maxBytes}
     */
    public int copyTo(long address, int maxBytes) {
        int copied = 0;
        for (int i = 0; i < segments() && copied < maxBytes; i++) {
            int n = (int) Math.min(segmentBytes(i), maxBytes - copied);
            NativeMemory.copy(segmentAddress(i), address + copied, n);
            copied += n;
        }
        return copied;
    }

    /**
     * Copies a flat range over the front of the ranges, without consuming them.
     *
     * @return the bytes copied: the smaller of what fits and {@code lengthBytes}
     */
    public int copyFrom(long address, int lengthBytes) {
        int copied = 0;
        for (int i = 0; i < segments() && copied < lengthBytes; i++) {
            int n = (int) Math.min(segmentBytes(i), lengthBytes - copied);
            NativeMemory.copy(address + copied, segmentAddress(i), n);
            copied += n;
        }
        return copied;
    }

    /**
     * Copies all bytes into a ring, without consuming them.
     *
     * @param ring where the ring begins
     * @param capacity its length in bytes, at least as many as there are here
     * @param at where the first byte goes, from 0 to {@code capacity - 1}
     * @return where the next byte would go
     */
    public int copyToRing(long ring, int capacity, int at) {
        int end = at;
        int count = segments();
        for (int i = 0; i < count; i++) {
            long from = segmentAddress(i);
            int bytes = (int) segmentBytes(i);
            int untilEnd = capacity - end;
            if (bytes < untilEnd) {
                NativeMemory.copy(from, ring + end, bytes);
                end += bytes;
            } else {
                NativeMemory.copy(from, ring + end, untilEnd);
                end = bytes - untilEnd;
                NativeMemory.copy(from + untilEnd, ring, end);
            }
        }
        return end;
    }

    /** Frees the native memory; the vector is empty and usable again. */
    @Override
    public void close() {
        NativeMemory.free(base);
        base = 0;
        limit = 0;
        clear();
    }

    private void makeRoom() {
        long used = tail - head;
        if (base != 0 && used <= (limit - base) / 2) {
            NativeMemory.copy(head, base, used);
        } else {
            long grown = Math.max(INITIAL_BYTES, 2 * (limit - base));
            long moved = NativeMemory.allocate(grown);
            NativeMemory.copy(head, moved, used);
            NativeMemory.free(base);
            base = moved;
            limit = base + grown;
        }
        head = base;
        tail = base + used;
    }
}
