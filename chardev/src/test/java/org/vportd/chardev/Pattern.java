package org.vportd.chardev;

import org.vportd.posix.NativeMemory;

/** A stream of bytes in which each depends on its position, so that loss, repetition and exchange show. */
public final class Pattern {
    private Pattern() {}

    /** The byte at a position. */
    public static byte at(long position) {
        return (byte) (position * 31 + (position >>> 8) * 7 + (position >>> 16) * 13);
    }

    /** Writes a part of the stream to memory. */
    public static void fill(long address, long position, long lengthBytes) {
        for (long i = 0; i < lengthBytes; i++) {
            NativeMemory.putByte(address + i, at(position + i));
        }
    }

    /** Compares memory with a part of the stream. */
    public static void check(long address, long position, long lengthBytes) {
        for (long i = 0; i < lengthBytes; i++) {
            if (NativeMemory.getByte(address + i) != at(position + i)) {
                throw new AssertionError("differs at position=" + (position + i));
            }
        }
    }
}
