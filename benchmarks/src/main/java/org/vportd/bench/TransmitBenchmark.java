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
import org.vportd.posix.Posix;

/**
 * Blocks from a driver's buffers into a UNIX socket: through ring, device and character device, and by a plain {@code
 * writev} of as many blocks. An operation is one block. That the driver fills its ring and takes the blocks back is measured
 * with it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class TransmitBenchmark {
    private static final int BLOCKS = 64;

    /** Bytes of a block. */
    @Param({"64", "256", "1024", "4096", "32768", "65536"})
    public int blockBytes;

    /** What the rings are like; the plain way has none. */
    @Param
    public Rings rings = Rings.SPLIT;

    private SocketPairs pairs;
    private final IoVector plainData = new IoVector();

    /** Makes a socket with a reader for each of the two ways. */
    @Setup
    public void open() throws Exception {
        pairs = new SocketPairs(false, rings);
    }

    /** A ring of blocks, returned when the socket has taken them. */
    @Benchmark
    @OperationsPerInvocation(BLOCKS)
    public int ring() {
        DeviceSetup setup = pairs.setup;
        setup.addOutput(BLOCKS, blockBytes);
        if (setup.tx.publish()) {
            setup.device.queueNotified(DeviceSetup.TX);
        }
        int returned = 0;
        while (returned < BLOCKS) {
            if (setup.tx.poll()) {
                returned++;
            } else {
                pairs.loop.turn(-1);
            }
        }
        return returned;
    }

    /** As many blocks of the same memory by a call that waits for room. */
    @Benchmark
    @OperationsPerInvocation(BLOCKS)
    public long plain() throws Exception {
        for (int i = 0; i < BLOCKS; i++) {
            plainData.add(pairs.setup.memory.hostAddress(pairs.setup.buffers + (long) i * blockBytes), blockBytes);
        }
        while (!plainData.isEmpty()) {
            plainData.consume(Posix.writev(pairs.plain, plainData));
        }
        return plainData.bytes();
    }

    /** Closes both. */
    @TearDown
    public void close() {
        pairs.close();
        plainData.close();
    }
}
