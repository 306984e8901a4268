package org.vportd.bench.limit;

import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;
import org.vportd.virtio.driver.DriverMemory;

/**
 * Blocks in memory that is shared as a guest's is, used one after the other as those of a ring are, and the vectors of calls
 * that go through them, made beforehand.
 */
final class Blocks implements AutoCloseable {
    /** More than a socket has for a read. */
    private static final int READ_BYTES = 256 * 1024;

    private static final int MIN_READ_BLOCKS = 4;
    private static final int STARTS_PER_READ = 8;

    private final DriverMemory memory;
    private final long address;
    private final int blockBytes;
    /** How many blocks lie between where a call can begin and where the next one can. */
    private final int step;

    private final IoVector[] calls;
    private int next;

    private Blocks(int blockBytes, int blocks, int batch, int step) throws PosixException {
        this.blockBytes = blockBytes;
        this.step = step;
        long size = (long) blockBytes * blocks;
        this.memory = DriverMemory.open(size + 4096);
        this.address = memory.hostAddress(memory.allocate(size, 64));
        for (long at = 0; at < size; at += 64) {
            NativeMemory.putLong(address + at, at); // as memory that a guest has written to
        }
        this.calls = new IoVector[Math.max(1, blocks / step)];
        for (int i = 0; i < calls.length; i++) {
            calls[i] = new IoVector();
            for (int k = 0; k < batch; k++) {
                int block = (i * step + k) % blocks;
                calls[i].add(address + (long) block * blockBytes, blockBytes);
            }
        }
    }

    /** Blocks for calls that write a whole batch. */
    static Blocks toWrite(int blockBytes, int blocks, int batch) throws PosixException {
        return new Blocks(blockBytes, blocks, batch, batch);
    }

    /** Blocks for calls that read what there is, into a batch at the most: the next one begins where it has ended, nearly. */
    static Blocks toRead(int blockBytes, int blocks, int batch) throws PosixException {
        int most = Math.min(batch, Math.max(MIN_READ_BLOCKS, READ_BYTES / blockBytes));
        return new Blocks(blockBytes, blocks, most, Math.max(1, most / STARTS_PER_READ));
    }

    /** The vector of the next call; not to be consumed. */
    IoVector next() {
        return calls[next];
    }

    /** The call has moved so many bytes: the blocks that it used have their turn again after all others. */
    void used(long bytes) {
        long stepBytes = (long) step * blockBytes;
        next = (int) ((next + (bytes + stepBytes - 1) / stepBytes) % calls.length);
    }

    /** Where the first block is. */
    long address() {
        return address;
    }

    int blockBytes() {
        return blockBytes;
    }

    @Override
    public void close() {
        for (IoVector vector : calls) {
            vector.close();
        }
        memory.close();
    }
}
