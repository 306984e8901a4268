package org.vportd.vhostuser.frontend;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.virtio.driver.QueueDriver;

/**
 * One direction of a port, driven as hard as it goes: what the device returns it gets again at once. A {@link FlowLoop}
 * drives one or several; whoever uses a flow must not read or write the port by other means.
 */
public final class PortFlow {
    private final DriverRing ring;
    private final QueueDriver queue;
    private final boolean transmits;
    private final int blockBytes;
    private final long blocks;
    private final int[] kept;
    private int keptCount;
    private long doneBuffers;
    private long doneBytes;

    /** What {@link #buffers} and {@link #bytes} tell other threads. */
    private final AtomicLong shownBuffers = new AtomicLong();

    private final AtomicLong shownBytes = new AtomicLong();
    private final AtomicLong shownCalls = new AtomicLong();

    private PortFlow(DriverRing ring, boolean transmits, int blockBytes, long blocks, int depth) {
        this.ring = ring;
        this.queue = ring.driver();
        this.transmits = transmits;
        this.blockBytes = blockBytes;
        this.blocks = blocks;
        this.kept = new int[depth];
    }

    /**
     * Makes a flow towards the device. The blocks come from the guest memory that the driver was given besides.
     *
     * @param blockBytes the size of each buffer
     * @param depth how many buffers the device has at the same time; up to the size of the queue
     */
    public static PortFlow transmit(ConsoleDriver driver, int port, int blockBytes, int depth) {
        DriverRing ring = driver.port(port).tx();
        if (depth < 1 || depth > ring.driver().size()) {
            throw new IllegalArgumentException("out of range: depth=" + depth);
        }
        long blocks = driver.memory().allocate((long) depth * blockBytes, 64);
        PortFlow flow = new PortFlow(ring, true, blockBytes, blocks, depth);
        for (int i = 0; i < depth; i++) {
            flow.kept[flow.keptCount++] = i;
        }
        return flow;
    }

    /** Makes a flow from the device, which has all of the port's receive buffers since the port came. */
    public static PortFlow receive(ConsoleDriver driver, int port) {
        DriverRing ring = driver.port(port).rx();
        return new PortFlow(
                ring,
                false,
                driver.port(port).bufferBytes(),
                driver.port(port).rxBufferAddress(0),
                ConsolePort.buffersOf(ring.driver().size()));
    }

    /**
     * Takes what the device has returned.
     *
     * @param going whether the device gets it again, and what was kept; otherwise it is kept
     * @return how many buffers have come back
     */
    int turn(boolean going) throws IOException {
        QueueDriver ours = queue;
        if (!going) {
            return collect(ours);
        }
        int count = 0;
        long bytes = 0;
        boolean tx = transmits;
        int block = blockBytes;
        long base = blocks;
        if (keptCount > 0) {
            giveKept();
        }
        while (ours.poll()) {
            long slot = ours.usedToken();
            count++;
            if (tx) {
                ours.addReadable(base + slot * block, block, slot);
            } else {
                bytes += ours.usedBytes();
                ours.addWritable(base + slot * block, block, slot);
            }
        }
        ring.publish();
        return note(count, tx ? (long) count * block : bytes);
    }

    private int collect(QueueDriver ours) {
        int count = 0;
        long bytes = 0;
        while (ours.poll()) {
            kept[keptCount++] = (int) ours.usedToken();
            bytes += transmits ? blockBytes : ours.usedBytes();
            count++;
        }
        return note(count, bytes);
    }

    private void giveKept() {
        while (keptCount > 0) {
            long slot = kept[--keptCount];
            if (transmits) {
                queue.addReadable(blocks + slot * blockBytes, blockBytes, slot);
            } else {
                queue.addWritable(blocks + slot * blockBytes, blockBytes, slot);
            }
        }
    }

    private int note(int count, long bytes) {
        if (count > 0) {
            doneBuffers += count;
            doneBytes += bytes;
            shownBuffers.lazySet(doneBuffers);
            shownBytes.lazySet(doneBytes);
        }
        return count;
    }

    /** Whether the device has returned something. */
    boolean hasUsed() {
        return queue.hasUsed();
    }

    /**
     * Asks for a call: towards the device when three quarters have come back, as nothing waits for a single one; from the
     * device at the first.
     *
     * @return whether it may not come, since there is something already
     */
    boolean enableCalls() {
        int outstanding = queue.outstanding();
        if (outstanding == 0) {
            return false;
        }
        return queue.enableCallsAfter(transmits ? Math.max(1, outstanding * 3 / 4) : 1);
    }

    void disableCalls() {
        queue.disableCalls();
    }

    /** What becomes readable with each call. */
    Fd callHeard() {
        return ring.callHeard();
    }

    /** Whether all that the device had been given to send has come back. For the thread that drives the flow. */
    boolean isDrained() {
        return !transmits || queue.outstanding() == 0;
    }

    /** How many buffers have come back. Thread: any. */
    public long buffers() {
        return shownBuffers.get();
    }

    /** How many bytes were in them. Thread: any. */
    public long bytes() {
        return shownBytes.get();
    }

    /** How often the device was kicked. Thread: any; while the flow is driven, what was true a moment ago. */
    public long kicks() {
        return ring.kicks();
    }

    /** Takes the calls that have come. Only the thread that waits for them may: others would take its wake-up away. */
    void takeCalls() throws PosixException {
        shownCalls.lazySet(shownCalls.getPlain() + ring.drainCalls());
    }

    /** How often the device has called, as far as the thread that waits for it knows. Thread: any. */
    public long calls() {
        return shownCalls.get();
    }
}
