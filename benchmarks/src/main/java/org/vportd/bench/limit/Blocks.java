package org.vportd.bench.limit;

import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;
import org.vportd.virtio.driver.DriverMemory;

/** Blocks in memory that is shared as a guest's is, and the vectors of calls that go through them, made beforehand. */
final class Blocks implements AutoCloseable {
    private final DriverMemory memory;
    private final long address;
    private final int blockBytes;
    private final IoVector[] calls;
    private int next;

    Blocks(int blockBytes, int blocks, int batch) throws PosixException {
        this.blockBytes = blockBytes;
        long size = (long) blockBytes * blocks;
        this.memory = DriverMemory.open(size + 4096);
        this.address = memory.hostAddress(memory.allocate(size, 64));
        for (long at = 0; at < size; at += 64) {
            NativeMemory.putLong(address + at, at); // as memory that a guest has written to
        }
        this.calls = new IoVector[Math.max(1, blocks / batch)];
        for (int i = 0; i < calls.length; i++) {
            calls[i] = new IoVector();
            for (int k = 0; k < batch; k++) {
                int block = (i * batch + k) % blocks;
                calls[i].add(address + (long) block * blockBytes, blockBytes);
            }
        }
    }

    /** The vector of the next call; not to be consumed. */
    IoVector next() {
        IoVector vector = calls[next];
        next = next + 1 == calls.length ? 0 : next + 1;
        return vector;
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
