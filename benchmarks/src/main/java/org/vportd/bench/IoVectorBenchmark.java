package org.vportd.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
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
import org.vportd.posix.IoVector;

/** What it takes to put segments into a vector and to consume them again. An operation is one segment. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class IoVectorBenchmark {
    private static final int SEGMENTS = 256;
    private static final int SEGMENT_BYTES = 64;
    private static final long ADDRESS = 0x10_0000; // never looked at

    /** Bytes that are consumed at a time: part of a segment, one, several, all. */
    @Param({"48", "64", "1024", "16384"})
    public int consumedBytes;

    private final IoVector vector = new IoVector();

    /** Puts segments in, until the vector has room for all. */
    @Setup
    public void open() {
        add();
        vector.clear();
    }

    /** Segments put in and dropped at once. */
    @Benchmark
    @OperationsPerInvocation(SEGMENTS)
    public int add() {
        IoVector to = vector;
        for (int i = 0; i < SEGMENTS; i++) {
            to.add(ADDRESS + (long) i * SEGMENT_BYTES, SEGMENT_BYTES);
        }
        int segments = to.segments();
        to.clear();
        return segments;
    }

    /** The same, and they are consumed. */
    @Benchmark
    @OperationsPerInvocation(SEGMENTS)
    public int addAndConsume() {
        IoVector to = vector;
        for (int i = 0; i < SEGMENTS; i++) {
            to.add(ADDRESS + (long) i * SEGMENT_BYTES, SEGMENT_BYTES);
        }
        int calls = 0;
        while (!to.isEmpty()) {
            to.consume(Math.min(consumedBytes, to.bytes()));
            calls++;
        }
        return calls;
    }

    /** Frees the memory. */
    @TearDown
    public void close() {
        vector.close();
    }
}
