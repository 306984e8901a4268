package org.vportd.bench.limit;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import org.vportd.posix.Fd;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;

/**
 * A page shared by the plain loop and whoever measures it: whether it may run, and what each of its threads has moved.
 *
 * <table>
 * <caption>Layout</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>8</td><td>1 while the loop may run</td></tr>
 * <tr><td>128 * (thread + 1)</td><td>8</td><td>bytes</td></tr>
 * <tr><td>... + 8</td><td>8</td><td>calls</td></tr>
 * <tr><td>2176</td><td>8</td><td>kicks, for a loop that looks for them</td></tr>
 * </table>
 */
public final class Board implements AutoCloseable {
    /** The most threads there are counters for. */
    static final int MAX_THREADS = 16;

    private static final int SLOT_BYTES = 128;
    private static final int CALLS_OFFSET = 8;
    private static final int KICKS_OFFSET = SLOT_BYTES * (MAX_THREADS + 1);
    private static final int SIZE_BYTES = 4096;

    private final MappedMemory memory;

    private Board(MappedMemory memory) {
        this.memory = memory;
    }

    /** Makes the file or opens it. */
    public static Board open(Path path) throws IOException {
        try (Fd file = Posix.open(path.toString(), Posix.O_RDWR | Posix.O_CREAT, 0600)) {
            Posix.resize(file, SIZE_BYTES);
            return new Board(MappedMemory.map(file, 0, SIZE_BYTES));
        }
    }

    /** Lets the loop run, or stops it. */
    public void setRunning(boolean on) {
        VarHandle.releaseFence();
        NativeMemory.putLong(memory.address(), on ? 1 : 0);
        VarHandle.fullFence();
    }

    boolean isRunning() {
        boolean running = NativeMemory.getLong(memory.address()) != 0;
        VarHandle.acquireFence();
        return running;
    }

    /** Tells a loop that looks at the board that there is something to do. */
    public void kick() {
        long kicks = memory.address() + KICKS_OFFSET;
        VarHandle.releaseFence();
        NativeMemory.putLong(kicks, NativeMemory.getLong(kicks) + 1);
    }

    /** How often it was told. */
    long kicks() {
        long kicks = NativeMemory.getLong(memory.address() + KICKS_OFFSET);
        VarHandle.acquireFence();
        return kicks;
    }

    void count(int thread, long bytes) {
        long slot = slot(thread);
        NativeMemory.putLong(slot, NativeMemory.getLong(slot) + bytes);
        NativeMemory.putLong(slot + CALLS_OFFSET, NativeMemory.getLong(slot + CALLS_OFFSET) + 1);
    }

    private long slot(int thread) {
        return memory.address() + (long) SLOT_BYTES * (thread + 1);
    }

    /** The bytes moved by all threads. */
    public long bytes() {
        return sum(0);
    }

    /** The calls that moved them. */
    public long calls() {
        return sum(CALLS_OFFSET);
    }

    private long sum(int offset) {
        VarHandle.acquireFence();
        long sum = 0;
        for (int i = 0; i < MAX_THREADS; i++) {
            sum += NativeMemory.getLong(slot(i) + offset);
        }
        return sum;
    }

    @Override
    public void close() {
        memory.close();
    }
}
