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

    /** How much is kept. */
    int bytes() {
        return length;
    }

    /** Keeps what comes after the skipped front of the data, as much as fits, and answers how much. */
    long add(IoVector data, long skipBytes) {
        long room = Math.min(capacity - length, data.bytes() - skipBytes);
        if (room == 0) {
            return 0;
        }
        if (memory == 0) {
            memory = NativeMemory.allocate(capacity);
        }
        pieces.clear();
        pieces.addPart(data, skipBytes, room);
        pieces.copyToRing(memory, capacity, (start + length) % capacity);
        length += (int) room; // at last: the data's memory may have vanished on the way
        return room;
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

    /** A copy of what is kept. */
    byte[] copy() {
        byte[] bytes = new byte[length];
        if (length == 0) {
            return bytes; // there is no memory then
        }
        int first = Math.min(length, capacity - start);
        NativeMemory.get(memory + start, bytes, 0, first);
        NativeMemory.get(memory, bytes, first, length - first);
        return bytes;
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
