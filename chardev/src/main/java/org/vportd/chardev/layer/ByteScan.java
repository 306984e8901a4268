package org.vportd.chardev.layer;

import java.nio.ByteOrder;
import org.vportd.posix.NativeMemory;

/** Looks through native memory a word at a time. */
final class ByteScan {
    private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    private static final long LOW_BITS = 0x0101010101010101L;
    private static final long HIGH_BITS = 0x8080808080808080L;

    private ByteScan() {}

    /** How many bytes precede the first of a certain value: all if there is none. */
    static long indexOf(long address, long lengthBytes, byte value) {
        long pattern = (value & 0xff) * LOW_BITS;
        long i = 0;
        for (; i <= lengthBytes - Long.BYTES; i += Long.BYTES) {
            long differences = NativeMemory.getLong(address + i) ^ pattern;
            if (((differences - LOW_BITS) & ~differences & HIGH_BITS) != 0) {
                break; // a byte of no difference is in this word
            }
        }
        while (i < lengthBytes && NativeMemory.getByte(address + i) != value) {
            i++;
        }
        return i;
    }

    /** Exclusive-or of memory with a mask of four bytes that repeats; answers the mask for the byte that follows. */
    static int unmask(long address, int lengthBytes, int mask) {
        long wide = (mask & 0xffff_ffffL) | (long) mask << Integer.SIZE;
        int i = 0;
        for (; i <= lengthBytes - Long.BYTES; i += Long.BYTES) {
            NativeMemory.putLong(address + i, NativeMemory.getLong(address + i) ^ wide);
        }
        int rest = mask;
        for (; i < lengthBytes; i++) {
            int first = LITTLE_ENDIAN ? rest : rest >>> 24;
            NativeMemory.putByte(address + i, (byte) (NativeMemory.getByte(address + i) ^ first));
            rest = LITTLE_ENDIAN ? Integer.rotateRight(rest, Byte.SIZE) : Integer.rotateLeft(rest, Byte.SIZE);
        }
        return rest;
    }
}
