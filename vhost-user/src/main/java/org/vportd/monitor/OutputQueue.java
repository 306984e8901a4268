package org.vportd.monitor;

import java.util.ArrayDeque;
import java.util.Deque;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.monitor.json.JsonBudget;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/** Lines on their way to a client that may be slow to read them. Its user sees to it that they do not become too many. */
final class OutputQueue implements AutoCloseable {
    /** What every client may leave unread; also how much is written at a time. */
    static final int STAGE_BYTES = 64 * 1024;

    private final ChardevFrontend frontend;
    private final JsonBudget budget;
    private final long stage = NativeMemory.allocate(STAGE_BYTES);
    /** What is in the stage and has not been taken by the chardev. */
    private final IoVector staged = new IoVector();

    private final Deque<byte[]> lines = new ArrayDeque<>();
    private int firstOffset;
    private long queuedBytes;
    private long chargedBytes;

    /**
     * Makes an empty one.
     *
     * @param budget has to bear what waits, as far as that is more than every client may leave
     */
    OutputQueue(ChardevFrontend frontend, JsonBudget budget) {
        this.frontend = frontend;
        this.budget = budget;
    }

    void add(byte[] line) {
        lines.add(line);
        queuedBytes += line.length;
        charge();
    }

    private void charge() {
        long charge = Math.max(0, queuedBytes - STAGE_BYTES);
        budget.take(charge - chargedBytes);
        chargedBytes = charge;
    }

    /** How much the client has not got yet, as far as is known here. */
    long pendingBytes() {
        return queuedBytes + staged.bytes();
    }

    /** Forgets everything: there is another client now, or none. */
    void clear() {
        lines.clear();
        staged.clear();
        frontend.forget(0);
        firstOffset = 0;
        queuedBytes = 0;
        charge();
    }

    /** Writes until all is gone or the chardev is full. Never from within a call of the chardev that forbids it. */
    void flush() {
        while (fill()) {
            staged.consume(frontend.write(staged));
            if (!staged.isEmpty()) {
                break;
            }
        }
        charge();
    }

    private boolean fill() {
        if (!staged.isEmpty()) {
            return true;
        }
        int length = 0;
        while (length < STAGE_BYTES && !lines.isEmpty()) {
            byte[] line = lines.element();
            int part = Math.min(line.length - firstOffset, STAGE_BYTES - length);
            NativeMemory.put(line, firstOffset, stage + length, part);
            length += part;
            firstOffset += part;
            if (firstOffset == line.length) {
                lines.remove();
                firstOffset = 0;
            }
        }
        queuedBytes -= length;
        staged.clear();
        if (length > 0) {
            staged.add(stage, length);
        }
        return length > 0;
    }

    @Override
    public void close() {
        clear();
        staged.close();
        NativeMemory.free(stage);
    }
}
