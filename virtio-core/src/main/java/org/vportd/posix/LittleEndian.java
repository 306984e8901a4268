package org.vportd.posix;

/** Little-endian access to native memory, the order of rings and configuration space (Virtio 1.3 §1.4). */
public final class LittleEndian {
    private LittleEndian() {}

    /**
     * Reads an unsigned 16-bit value, at an even address.
     *
     * <p>Where memory has been truncated, JDK 17 goes on behind the load with whatever its register held, and compiled code
     * takes it for granted that a load of 16 bits has no more of them: a bounds check would let it pass. So 32 bits are
     * loaded, of which the 16 are really cut out.
     */
    public static int getU16(long address) {
        int word = getInt(address & ~3L);
        return (word >>> ((int) (address & 2) << 3)) & 0xffff;
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
