package org.vportd.chardev.mux;

import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;

/**
 * Where all that a multiplexer has to say goes. A hub has to be offered again what it has not taken, and nothing else
 * before that, as some of its members have had it already. The users of a multiplexer know nothing of each other, so the
 * rest of what one of them has begun is kept here, and the others wait.
 */
final class MuxOutput implements AutoCloseable {
    /** How much is begun at a time. */
    private static final int MAX_KEPT = 4096;

    private final ChardevFrontend base;
    private final boolean keeps;
    private final IoVector part = new IoVector();
    private final IoVector kept = new IoVector();
    private long memory;

    /**
     * Makes one.
     *
     * @param base the way to it
     * @param chardev what is there at first
     */
    MuxOutput(ChardevFrontend base, Chardev chardev) {
        this.base = base;
        this.keeps = chardev instanceof HubChardev;
    }

    /** What another process has to write first. */
    byte[] unwritten() {
        return Multiplexer.bytes(kept);
    }

    void restore(byte[] unwritten) {
        if (unwritten.length > 0) {
            memory = NativeMemory.allocate(MAX_KEPT);
            int length = Math.min(unwritten.length, MAX_KEPT);
            NativeMemory.put(unwritten, 0, memory, length);
            kept.add(memory, length);
        }
    }

    /** Writes as {@link ChardevFrontend#write}. */
    long write(IoVector data) {
        if (!keeps) {
            return flush() ? base.write(data) : 0;
        }
        long taken = 0;
        while (taken < data.bytes() && flush()) {
            part.clear();
            part.addPart(data, taken, MAX_KEPT);
            try {
                writePart();
            } catch (InternalError | MemoryFaultException e) {
                base.forget(0); // nobody knows how far it got
                throw e;
            }
            taken += part.bytes();
        }
        return taken;
    }

    private void writePart() {
        long n = base.write(part);
        if (n < part.bytes()) {
            keep(n);
        }
    }

    /** Keeps the part except for its front. */
    private void keep(long skipBytes) {
        if (memory == 0) {
            memory = NativeMemory.allocate(MAX_KEPT);
        }
        int length = part.copyTo(memory, MAX_KEPT);
        kept.clear();
        kept.add(memory + skipBytes, length - skipBytes);
    }

    /** Writes what is kept; true if nothing of it is left. */
    boolean flush() {
        if (!kept.isEmpty()) {
            kept.consume(base.write(kept));
        }
        return kept.isEmpty();
    }

    @Override
    public void close() {
        part.close();
        kept.close();
        NativeMemory.free(memory);
        memory = 0;
    }
}
