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
 * What it takes the device to return chains and to show the driver that, who wants no call. An operation is one chain of
 * one buffer. The chains have been walked before; that, and the driver's work, is not measured.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class PublishBenchmark {
    private static final int CHAINS = RingSetup.CHAINS;
    private static final int BUFFER_BYTES = 64;

    /** Chains that are shown at once. */
    @Param({"1", "16", "256"})
    public int batch;

    /** What the ring is like. */
    @Param
    public Rings rings = Rings.SPLIT;

    private RingSetup setup;
    private long buffer;

    /** Makes a ring. */
    @Setup
    public void open() throws Exception {
        setup = new RingSetup(rings.features(true), 0);
        setup.driver.disableCalls();
        buffer = setup.memory.allocate(BUFFER_BYTES, BUFFER_BYTES);
    }

    /** Makes all chains available and walks them. */
    @Setup(Level.Invocation)
    public void walk() {
        setup.refill(buffer, BUFFER_BYTES);
    }

    /** Returns all of them, and shows them in batches. */
    @Benchmark
    @OperationsPerInvocation(CHAINS)
    public int publish() {
        VirtQueue queue = setup.queue;
        long bytes = (long) batch * BUFFER_BYTES;
        while (queue.windowChains() > 0) {
            queue.consume(bytes);
            queue.publish();
        }
        return queue.base();
    }

    /** Frees the memory. */
    @TearDown
    public void close() {
        setup.close();
    }
}
