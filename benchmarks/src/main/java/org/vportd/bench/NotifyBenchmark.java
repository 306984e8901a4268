package org.vportd.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.vportd.virtio.queue.VirtQueue;

/**
 * Decisions about notifications: the device's to call the driver, and its wish to be kicked. Each is taken once per batch,
 * and costs a full fence.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class NotifyBenchmark {
    private static final int CHAINS = RingSetup.CHAINS;
    private static final int BUFFER_BYTES = 64;

    /** What the ring is like. */
    @Param({"SPLIT", "PACKED"})
    public Rings rings = Rings.SPLIT;

    /** Whether either side names the place at which it wants to be notified; otherwise it sets and clears a flag. */
    @Param({"true", "false"})
    public boolean eventIdx;

    private RingSetup setup;
    private long buffer;

    /** Makes a ring. */
    @Setup
    public void open() throws Exception {
        setup = new RingSetup(rings.features(eventIdx), 0);
        buffer = setup.memory.allocate(BUFFER_BYTES, BUFFER_BYTES);
    }

    /** Makes all chains available and walks them, unless none has been returned. */
    @Setup(Level.Invocation)
    public void walk() {
        if (setup.queue.windowChains() == 0) {
            setup.refill(buffer, BUFFER_BYTES);
        }
        setup.driver.disableCalls();
    }

    /** A chain returned and shown to a driver that wants no call. */
    @Benchmark
    @OperationsPerInvocation(CHAINS)
    public long suppressed() {
        VirtQueue queue = setup.queue;
        while (queue.windowChains() > 0) {
            queue.consume(BUFFER_BYTES);
            queue.publish();
        }
        return setup.calls();
    }

    /**
     * A chain returned and shown to a driver that wants to be called for each. That the driver takes the chain and says so
     * again is measured with it.
     */
    @Benchmark
    @OperationsPerInvocation(CHAINS)
    public long called() {
        VirtQueue queue = setup.queue;
        while (queue.windowChains() > 0) {
            setup.driver.enableCalls();
            queue.consume(BUFFER_BYTES);
            queue.publish();
            setup.driver.poll();
        }
        return setup.calls();
    }

    /** Kicks asked for, the ring looked at once more, and kicks not asked for any longer. */
    @Benchmark
    @OperationsPerInvocation(CHAINS)
    public int kicks() {
        VirtQueue queue = setup.queue;
        int found = 0;
        for (int i = 0; i < CHAINS; i++) {
            found += queue.enableKicks() ? 1 : 0;
            queue.disableKicks();
        }
        return found;
    }

    /** Frees the memory. */
    @TearDown
    public void close() {
        setup.close();
    }
}
