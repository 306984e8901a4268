package org.vportd.chardev.layer;

import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/** The encoded input that a protocol holds: read in at the end, taken up at the front. */
final class RawInput {
    /** How much is held at most. */
    static final int LENGTH = 64 * 1024;

    private final long base = NativeMemory.allocate(LENGTH);
    private final IoVector space = new IoVector();
    private int start;
    private int end;

    /** Where the buffer begins. */
    long base() {
        return base;
    }

    /** Where the input begins. */
    long address() {
        return base + start;
    }

    /** How much there is of it. */
    int bytes() {
        return end - start;
    }

    /** Begins with input that another one has held, taken up as far as {@code start}; what does not fit is left out. */
    void restore(byte[] input, int takenUp) {
        end = Math.min(input.length, LENGTH);
        start = Math.min(takenUp, end);
        NativeMemory.put(input, 0, base, end);
    }

    /** Drops input from the front. */
    void consume(int bytes) {
        start += bytes;
    }

    /** Input was read into {@link #room}. */
    void added(int bytes) {
        end += bytes;
    }

    /** The room at the end; input that has been taken up may be overwritten from here on. */
    IoVector room() {
        if (start == end) {
            start = 0;
            end = 0;
        } else if (start > LENGTH / 2) {
            NativeMemory.copy(base + start, base, bytes());
            end -= start;
            start = 0;
        }
        space.clear();
        space.add(base + end, LENGTH - end);
        return space;
    }

    /** No room. */
    IoVector noRoom() {
        space.clear();
        return space;
    }

    void free() {
        space.close();
        NativeMemory.free(base);
    }
}
