package org.vportd.vhostuser.frontend;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.NativeMemory;

/** Bytes that tell their own position in a stream: 8 at a time a number that is different at each place. */
final class StreamPattern {
    /** What {@link #firstMismatch} answers when there is none. */
    static final int NONE = -1;

    private static final long GOLDEN = 0x9e37_79b9_7f4a_7c15L;
    private static final int WORD_MASK = Long.BYTES - 1;

    private StreamPattern() {}

    private static long word(long position) {
        return ((position >>> 3) + 1) * GOLDEN;
    }

    private static byte byteAt(long position) {
        return (byte) (word(position) >>> ((position & WORD_MASK) * Byte.SIZE));
    }

    /** Writes a part of the pattern to native memory. */
    static void fill(long address, long position, int length) {
        int i = 0;
        while (i < length && ((position + i) & WORD_MASK) != 0) {
            NativeMemory.putByte(address + i, byteAt(position + i));
            i++;
        }
        for (; i + Long.BYTES <= length; i += Long.BYTES) {
            LittleEndian.putLong(address + i, word(position + i));
        }
        for (; i < length; i++) {
            NativeMemory.putByte(address + i, byteAt(position + i));
        }
    }

    /** Where native memory first differs from the pattern, or {@link #NONE}. */
    static int firstMismatch(long address, long position, int length) {
        int i = 0;
        while (i < length) {
            long at = position + i;
            if ((at & WORD_MASK) == 0 && i + Long.BYTES <= length && LittleEndian.getLong(address + i) == word(at)) {
                i += Long.BYTES;
            } else if (NativeMemory.getByte(address + i) == byteAt(at)) {
                i++;
            } else {
                return i;
            }
        }
        return NONE;
    }

    /** Fills a buffer from its start to its limit. */
    static void fill(ByteBuffer to, long position) {
        to.order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < to.limit(); ) {
            long at = position + i;
            if ((at & WORD_MASK) == 0 && i + Long.BYTES <= to.limit()) {
                to.putLong(i, word(at));
                i += Long.BYTES;
            } else {
                to.put(i, byteAt(at));
                i++;
            }
        }
    }

    /** Where a buffer, from its start to its limit, first differs from the pattern, or {@link #NONE}. */
    static int firstMismatch(ByteBuffer in, long position) {
        in.order(ByteOrder.LITTLE_ENDIAN);
        int i = 0;
        while (i < in.limit()) {
            long at = position + i;
            if ((at & WORD_MASK) == 0 && i + Long.BYTES <= in.limit() && in.getLong(i) == word(at)) {
                i += Long.BYTES;
            } else if (in.get(i) == byteAt(at)) {
                i++;
            } else {
                return i;
            }
        }
        return NONE;
    }
}
