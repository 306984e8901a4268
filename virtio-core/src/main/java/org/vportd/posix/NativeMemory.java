package org.vportd.posix;

import com.kenai.jffi.MemoryIO;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * Raw access to native memory. Multi-byte values are in the machine's order here, as system calls want them; rings and
 * configuration space go through {@link LittleEndian}.
 *
 * <p>All stores but {@link #setBits} and {@link #takeBits} are plain ones. On memory that another process may truncate, a volatile store or a fill aborts a JVM that
 * is still interpreting the method, while a plain access merely throws {@link InternalError}.
 */
public final class NativeMemory {
    /** Whether this machine stores the low byte first. */
    static final boolean LITTLE_ENDIAN_HOST = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    private static final long BYTES = UnsafeApi.arrayBaseOffset(byte[].class);

    /** Up to so many bytes a loop is faster than the virtual machine's own way, for which C1 leaves the compiled code. */
    private static final int SHORT_COPY_BYTES = 256;

    private NativeMemory() {}

    /** Allocates memory that is all zero; {@link #free} gives it back. */
    public static long allocate(long sizeBytes) {
        long address = UnsafeApi.allocateMemory(sizeBytes);
        UnsafeApi.setMemory(address, sizeBytes, (byte) 0); // our own heap: nobody can truncate it
        return address;
    }

    /** The same, with anything in it; pages are taken up only when something is put there. */
    public static long reserve(long sizeBytes) {
        return UnsafeApi.allocateMemory(sizeBytes);
    }

    /** Frees what {@link #allocate} gave; 0 is ignored. */
    public static void free(long address) {
        if (address != 0) {
            UnsafeApi.freeMemory(address);
        }
    }

    /** Copies bytes between two native ranges, which may overlap. */
    public static void copy(long from, long to, long lengthBytes) {
        if (lengthBytes <= SHORT_COPY_BYTES && Math.abs(to - from) >= lengthBytes) {
            copyShort(from, null, to, (int) lengthBytes);
        } else {
            UnsafeApi.copyMemory(from, to, lengthBytes);
        }
    }

    /** Copies native bytes into an array. */
    public static void get(long from, byte[] to, int offset, int lengthBytes) {
        if (lengthBytes <= SHORT_COPY_BYTES) {
            copyShort(from, to, BYTES + offset, lengthBytes);
        } else {
            UnsafeApi.copyMemory(null, from, to, BYTES + offset, lengthBytes);
        }
    }

    /** Copies a few native bytes to a place in an array, or in native memory if there is none. */
    private static void copyShort(long from, byte @Nullable [] array, long to, int lengthBytes) {
        long source = from;
        long target = to;
        int left = lengthBytes;
        while (left >= Long.BYTES) {
            UnsafeApi.putLong(array, target, UnsafeApi.getLong(source));
            source += Long.BYTES;
            target += Long.BYTES;
            left -= Long.BYTES;
        }
        while (left > 0) {
            UnsafeApi.putByte(array, target, UnsafeApi.getByte(source));
            source++;
            target++;
            left--;
        }
    }

    /** Copies bytes of an array into native memory. */
    public static void put(byte[] from, int offset, long to, int lengthBytes) {
        UnsafeApi.copyMemory(from, BYTES + offset, null, to, lengthBytes);
    }

    /** Reads a byte. */
    public static byte getByte(long address) {
        return UnsafeApi.getByte(address);
    }

    /** Writes a byte. */
    public static void putByte(long address, byte value) {
        UnsafeApi.putByte(address, value);
    }

    /** Reads two bytes in the machine's order. */
    public static short getShort(long address) {
        return UnsafeApi.getShort(address);
    }

    /** Writes two bytes in the machine's order. */
    public static void putShort(long address, short value) {
        UnsafeApi.putShort(address, value);
    }

    /** Reads four bytes in the machine's order. */
    public static int getInt(long address) {
        return UnsafeApi.getInt(address);
    }

    /** Writes four bytes in the machine's order. */
    public static void putInt(long address, int value) {
        UnsafeApi.putInt(address, value);
    }

    /** Reads eight bytes in the machine's order. */
    public static long getLong(long address) {
        return UnsafeApi.getLong(address);
    }

    /** Writes eight bytes in the machine's order. */
    public static void putLong(long address, long value) {
        UnsafeApi.putLong(address, value);
    }

    /**
     * Sets bits of a little-endian 32-bit value atomically, after all stores before it. Not for memory that somebody may
     * truncate.
     *
     * @param address a multiple of 4
     */
    public static void setBits(long address, int mask) {
        UnsafeApi.getAndBitwiseOrInt(null, address, LITTLE_ENDIAN_HOST ? mask : Integer.reverseBytes(mask));
    }

    /**
     * Reads a little-endian 32-bit value and sets it to 0 atomically. Not for memory that somebody may truncate.
     *
     * @param address a multiple of 4
     */
    public static int takeBits(long address) {
        int raw = UnsafeApi.getAndSetInt(null, address, 0);
        return LITTLE_ENDIAN_HOST ? raw : Integer.reverseBytes(raw);
    }

    /**
     * A view of memory for libraries that want one. It does not own the memory: an access to what is not there is as fatal
     * as any other, but making a view that reaches farther than the memory does is not.
     */
    public static ByteBuffer buffer(long address, int lengthBytes) {
        return MemoryIO.getInstance().newDirectByteBuffer(address, lengthBytes);
    }

    /** Reads a NUL-terminated UTF-8 string. */
    static String getString(long address) {
        int length = 0;
        while (getByte(address + length) != 0) {
            length++;
        }
        byte[] bytes = new byte[length];
        get(address, bytes, 0, length);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** A NUL-terminated UTF-8 copy of a string, to be given to {@link #free}. */
    static long allocateString(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (byte b : bytes) {
            if (b == 0) {
                throw new IllegalArgumentException("string contains a NUL character");
            }
        }
        long address = allocate(bytes.length + 1L);
        put(bytes, 0, address, bytes.length);
        return address;
    }
}
