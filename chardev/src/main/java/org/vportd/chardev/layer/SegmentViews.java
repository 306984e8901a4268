package org.vportd.chardev.layer;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/**
 * Shows ranges of native memory as buffers. A buffer reaches over two gigabytes from a round address on, whatever is there,
 * and is used again for every range within: as long as memory stays where it is, nothing is allocated.
 */
final class SegmentViews {
    /** How many ranges can be shown at a time. */
    static final int CAPACITY = 64;

    private static final int WINDOW_SHIFT = 30;
    private static final long WINDOW_MASK = (1L << WINDOW_SHIFT) - 1;
    private static final ByteBuffer NONE = ByteBuffer.allocate(0);

    private final ByteBuffer[] buffers = new ByteBuffer[CAPACITY];
    private final long[] windows = new long[CAPACITY];
    private int count;

    SegmentViews() {
        Arrays.fill(buffers, NONE);
    }

    /** The buffers, the first {@link #count} of which show something. */
    ByteBuffer[] buffers() {
        return buffers;
    }

    int count() {
        return count;
    }

    /**
     * Shows a part of a vector, as much as there are buffers for.
     *
     * @param skipBytes what to leave out at its front
     * @param maxBytes how much to show at most, less than a gigabyte
     */
    void show(IoVector data, long skipBytes, int maxBytes) {
        count = 0;
        long skip = skipBytes;
        long left = maxBytes;
        for (int i = 0; i < data.segments() && left > 0 && count < CAPACITY; i++) {
            long length = data.segmentBytes(i);
            if (skip >= length) {
                skip -= length;
                continue;
            }
            int n = (int) Math.min(length - skip, left);
            show(data.segmentAddress(i) + skip, n);
            left -= n;
            skip = 0;
        }
    }

    private void show(long address, int bytes) {
        long window = address >>> WINDOW_SHIFT;
        ByteBuffer buffer = buffers[count];
        if (buffer.capacity() == 0 || windows[count] != window) {
            buffer = NativeMemory.buffer(window << WINDOW_SHIFT, Integer.MAX_VALUE);
            buffers[count] = buffer;
            windows[count] = window;
        }
        int offset = (int) (address & WINDOW_MASK);
        buffer.limit(offset + bytes).position(offset);
        count++;
    }
}
