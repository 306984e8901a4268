package org.vportd.serial;

import org.vportd.posix.NativeMemory;

/** A stream of bytes in which each depends on its position, so that loss, repetition and exchange show. */
final class Pattern {
    private Pattern() {}

    static byte at(long position) {
        return (byte) (position * 31 + (position >>> 8) * 7 + (position >>> 16) * 13);
    }

    static byte[] bytes(long position, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = at(position + i);
        }
        return bytes;
    }

    static void fill(long address, long position, long length) {
        for (long i = 0; i < length; i++) {
            NativeMemory.putByte(address + i, at(position + i));
        }
    }

    static void check(long address, long position, long length) {
        for (long i = 0; i < length; i++) {
            if (NativeMemory.getByte(address + i) != at(position + i)) {
                throw new AssertionError("differs at position=" + (position + i));
            }
        }
    }
}
