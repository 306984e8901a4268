package org.vportd.chardev.console;

import org.vportd.posix.NativeMemory;

/** What has been typed and not been read yet, in a ring: a byte stays where it is until it is dropped. */
final class TypedInput implements AutoCloseable {
    static final int CAPACITY = 4096;

    private final long memory = NativeMemory.allocate(CAPACITY);
    private int start;
    private int size;

    int size() {
        return size;
    }

    int room() {
        return CAPACITY - size;
    }

    /** A copy of it all. */
    byte[] contents() {
        byte[] bytes = new byte[size];
        int first = contiguous();
        NativeMemory.get(memory + start, bytes, 0, first);
        NativeMemory.get(memory, bytes, first, size - first);
        return bytes;
    }

    /** Takes bytes, as many as there is room for; answers how many. */
    int add(byte[] bytes, int length) {
        int taken = Math.min(length, room());
        int end = (start + size) % CAPACITY;
        int first = Math.min(taken, CAPACITY - end);
        NativeMemory.put(bytes, 0, memory + end, first);
        NativeMemory.put(bytes, first, memory, taken - first);
        size += taken;
        return taken;
    }

    /** Where the oldest byte is. */
    long address() {
        return memory + start;
    }

    /** How many bytes lie there one after the other. */
    int contiguous() {
        return Math.min(size, CAPACITY - start);
    }

    /** Drops the oldest bytes. */
    void drop(int bytes) {
        start = (start + bytes) % CAPACITY;
        size -= bytes;
    }

    @Override
    public void close() {
        NativeMemory.free(memory);
    }
}
