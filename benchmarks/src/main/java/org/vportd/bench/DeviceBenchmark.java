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
 * The whole way of a device, without any system call but those of the loop. Output: chains walked, handed to a character
 * device that takes all, returned, shown. An operation is one buffer. The driver's work is not measured.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class DeviceBenchmark {
    private static final int BUFFERS = DeviceSetup.QUEUE_SIZE;

    /** What takes the output. */
    @Param
    public MemoryChardevs chardev = MemoryChardevs.NULL;

    /** Bytes of a buffer. */
    @Param({"64", "1024", "4096", "65536"})
    public int bufferBytes;

    /** What the rings are like. */
    @Param
    public Rings rings = Rings.SPLIT;

    private MemoryDevice device;

    /** Makes a device. */
    @Setup
    public void open() throws Exception {
        device = new MemoryDevice(chardev, rings);
    }

    /** Takes all back and fills the ring again. */
    @Setup(Level.Invocation)
    public void fill() {
        DeviceSetup setup = device.setup;
        while (setup.tx.poll()) {
            // there is nothing to do with it
        }
        setup.addOutput(BUFFERS, bufferBytes);
        setup.tx.publish();
    }

    /** A ring of output, in as many turns of the loop as it takes. */
    @Benchmark
    @OperationsPerInvocation(BUFFERS)
    public int transmit() {
        DeviceSetup setup = device.setup;
        setup.device.queueNotified(DeviceSetup.TX);
        while (setup.hasOutput()) {
            setup.loop.turn(0);
        }
        return BUFFERS;
    }

    /** Frees all. */
    @TearDown
    public void close() {
        device.close();
    }
}
