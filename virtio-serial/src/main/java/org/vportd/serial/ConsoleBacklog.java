package org.vportd.serial;

import org.vportd.chardev.ChardevFrontend;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/**
 * Output of a console that its chardev has not taken yet, in a ring of fixed size. A kernel spins until the device has its
 * console output, so a console must not wait; what does not fit here either is lost, from the end. Holds no memory while
 * it is empty.
 */
final class ConsoleBacklog {
    private final int capacity;
    private final IoVector pieces = new IoVector();
    private long memory;
    private int start;
    private int length;

    ConsoleBacklog(int capacity) {
        this.capacity = capacity;
    }

    boolean isEmpty() {
        return length == 0;
    }

    /** Keeps bytes from the front of the data, as many as fit, and answers how many. */
    long add(IoVector data) {
        long room = Math.min(capacity - length, data.bytes());
        if (room == 0) {
            return 0;
        }
        if (memory == 0) {
            memory = NativeMemory.allocate(capacity);
        }
        long kept = 0;
        for (int i = 0; kept < room; i++) {
            long n = Math.min(data.segmentBytes(i), room - kept);
            put(data.segmentAddress(i), (int) n);
            kept += n;
        }
        return kept;
    }

    private void put(long address, int bytes) {
        int end = (start + length) % capacity;
        int first = Math.min(bytes, capacity - end);
        NativeMemory.copy(address, memory + end, first);
        NativeMemory.copy(address + first, memory, bytes - first);
        length += bytes;
    }

    /** Writes what there is; true if nothing is left. */
    boolean writeTo(ChardevFrontend frontend) {
        pieces.clear();
        int first = Math.min(length, capacity - start);
        pieces.add(memory + start, first);
        pieces.add(memory, length - first);
        int written = (int) frontend.write(pieces);
        start = (start + written) % capacity;
        length -= written;
        if (length == 0) {
            clear();
        }
        return length == 0;
    }

    /** Drops everything and frees the memory. */
    void clear() {
        start = 0;
        length = 0;
        NativeMemory.free(memory);
        memory = 0;
        pieces.close();
    }
}
