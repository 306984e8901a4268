package org.vportd.posix;

/** Little-endian access to native memory, the order of rings and configuration space (Virtio 1.3 §1.4). */
public final class LittleEndian {
    private LittleEndian() {}

    /** Reads an unsigned 16-bit value. */
    public static int getU16(long address) {
        char raw = NativeMemory.getChar(address); // each call that passes a short on costs C1 two shifts
        return NativeMemory.LITTLE_ENDIAN_HOST ? raw : Character.reverseBytes(raw);
    }

    /** Writes the low 16 bits of a value. */
    public static void putU16(long address, int value) {
        short raw = (short) value;
        NativeMemory.putShort(address, NativeMemory.LITTLE_ENDIAN_HOST ? raw : Short.reverseBytes(raw));
    }

    /** Reads a 32-bit value. */
    public static int getInt(long address) {
        int raw = NativeMemory.getInt(address);
        return NativeMemory.LITTLE_ENDIAN_HOST ? raw : Integer.reverseBytes(raw);
    }

    /** Writes a 32-bit value. */
    public static void putInt(long address, int value) {
        NativeMemory.putInt(address, NativeMemory.LITTLE_ENDIAN_HOST ? value : Integer.reverseBytes(value));
    }

    /** Reads a 64-bit value. */
    public static long getLong(long address) {
        long raw = NativeMemory.getLong(address);
        return NativeMemory.LITTLE_ENDIAN_HOST ? raw : Long.reverseBytes(raw);
    }

    /** Writes a 64-bit value. */
    public static void putLong(long address, long value) {
        NativeMemory.putLong(address, NativeMemory.LITTLE_ENDIAN_HOST ? value : Long.reverseBytes(value));
    }
}
