package org.vportd.chardev.console;

import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/** What has been typed and not been read yet, up to a limit. */
final class TypedInput implements AutoCloseable {
    static final int CAPACITY = 4096;

    private final long memory = NativeMemory.allocate(CAPACITY);
    private int head;
    private int tail;

    int size() {
        return tail - head;
    }

    int room() {
        return CAPACITY - size();
    }

    /** Takes bytes, as many as there is room for; answers how many. */
    int add(byte[] bytes, int length) {
        int taken = Math.min(length, room());
        if (taken > CAPACITY - tail) {
            NativeMemory.copy(memory + head, memory, size());
            tail -= head;
            head = 0;
        }
        NativeMemory.put(bytes, 0, memory + tail, taken);
        tail += taken;
        return taken;
    }

    /** Copies the oldest bytes into buffers and drops them here; answers how many. */
    int moveTo(IoVector buffers) {
        int moved = buffers.copyFrom(memory + head, size());
        head += moved;
        if (head == tail) {
            head = 0;
            tail = 0;
        }
        return moved;
    }

    @Override
    public void close() {
        NativeMemory.free(memory);
    }
}
