package org.vportd.chardev;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;

/** Moves much data both ways at once between a front-end and a peer, in portions of all sizes, and compares every byte. */
public final class Exchange implements AutoCloseable {
    private static final int MAX_WRITE = 96 * 1024;
    private static final long DEADLINE_NS = TimeUnit.SECONDS.toNanos(60);

    private final TestLoop loop;
    private final RecordingHandler handler;
    private final Peer peer;
    private final long seed;
    private final Random random;
    private final long memory = NativeMemory.allocate(MAX_WRITE);
    private final IoVector data = new IoVector();
    private long written;
    private boolean blocked;

    /** Makes one; the seed is in the message of each failure. */
    public Exchange(TestLoop loop, RecordingHandler handler, Peer peer, long seed) {
        this.loop = loop;
        this.handler = handler.checkingPattern();
        this.peer = peer;
        this.seed = seed;
        this.random = new Random(seed);
        handler.whenWritable(() -> blocked = false);
    }

    /** Runs until so much has gone each way. */
    public void run(long totalBytes) throws PosixException {
        long deadline = System.nanoTime() + DEADLINE_NS;
        while (written < totalBytes || peer.patternRead() < totalBytes || handler.receivedBytes() < totalBytes) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("stalled: seed=" + seed + " written=" + written + " blocked=" + blocked
                        + " peerRead=" + peer.patternRead() + " peerWritten=" + peer.patternWritten() + " received="
                        + handler.receivedBytes());
            }
            step(totalBytes);
        }
    }

    private void step(long totalBytes) throws PosixException {
        if (random.nextInt(3) > 0) {
            handler.grant(size(20_000));
        }
        if (!blocked && written < totalBytes) {
            write((int) Math.min(totalBytes - written, size(MAX_WRITE)));
        }
        if (random.nextInt(3) > 0) {
            peer.writePattern(Math.min(totalBytes - peer.patternWritten(), size(50_000)));
        }
        if (random.nextInt(3) > 0) {
            peer.readPattern(size(50_000));
        }
        loop.loop().turn(0);
    }

    private int size(int max) {
        return 1 + random.nextInt(random.nextBoolean() ? max : 100);
    }

    private void write(int bytes) {
        Pattern.fill(memory, written, bytes);
        data.clear();
        int parts = 1 + random.nextInt(8);
        for (int i = 0, at = 0; i < parts; i++) {
            int length = i == parts - 1 ? bytes - at : (bytes - at) / 2;
            data.add(memory + at, length);
            at += length;
        }
        long n = handler.frontend().write(data);
        blocked = n < bytes;
        written += n;
    }

    @Override
    public void close() {
        data.close();
        NativeMemory.free(memory);
    }
}
