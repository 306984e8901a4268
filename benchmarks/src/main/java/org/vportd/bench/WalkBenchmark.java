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

/**
 * What it takes the device to walk available chains into its window: descriptors read and checked, addresses translated,
 * segments noted. An operation is one buffer. The driver has no part in it: between two walks the window is given back to
 * the ring, and that is not measured.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class WalkBenchmark {
    private static final int BUFFERS = RingSetup.CHAINS;
    private static final int BUFFER_BYTES = 64;

    /** Where the descriptors of a chain are. */
    public enum Place {
        /** In the ring. */
        RING,
        /** In a table of the chain's own. */
        TABLE
    }

    /** Buffers of a chain. */
    @Param({"1", "4", "64"})
    public int chainBuffers;

    /** Where their descriptors are. */
    @Param
    public Place place = Place.RING;

    /** What the ring is like. */
    @Param({"SPLIT", "PACKED"})
    public Rings rings = Rings.SPLIT;

    private RingSetup setup;

    /** Makes all chains available. */
    @Setup
    public void open() throws Exception {
        setup = new RingSetup(rings.features(true), chainBuffers);
        long buffer = setup.memory.allocate((long) BUFFERS * BUFFER_BYTES, 4096);
        for (int i = 0; i < BUFFERS; i++) {
            setup.driver.readable(buffer + (long) i * BUFFER_BYTES, BUFFER_BYTES);
            if ((i + 1) % chainBuffers == 0) {
                submit(i);
            }
        }
        setup.driver.publish();
    }

    private void submit(int token) {
        if (place == Place.TABLE) {
            setup.driver.submitIndirect(token);
        } else {
            setup.driver.submit(token);
        }
    }

    /** Makes them available again. */
    @Setup(Level.Invocation)
    public void rewind() {
        setup.queue.rewind();
    }

    /** All of them. */
    @Benchmark
    @OperationsPerInvocation(BUFFERS)
    public int walk() {
        setup.queue.walkReadable();
        return setup.queue.windowChains();
    }

    /** Frees the memory. */
    @TearDown
    public void close() {
        setup.close();
    }
}
