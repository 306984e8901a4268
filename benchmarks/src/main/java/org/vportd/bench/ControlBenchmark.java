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
 * What it takes the device to read a message of its control queue and to act on it: somebody in the guest opens the port,
 * or closes it. An operation is one message. That the driver writes the messages is not measured.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class ControlBenchmark {
    private static final int MESSAGES = 64;

    /** What the ring is like. */
    @Param({"SPLIT", "PACKED"})
    public Rings rings = Rings.SPLIT;

    private MemoryDevice device;

    /** Makes a device. */
    @Setup
    public void open() throws Exception {
        device = new MemoryDevice(MemoryChardevs.RINGBUF, rings);
    }

    /** Takes the messages back and writes new ones. */
    @Setup(Level.Invocation)
    public void write() {
        DeviceSetup setup = device.setup;
        setup.loop.turn(0); // what the last ones have had put off
        while (setup.control.poll()) {
            // there is nothing to do with it
        }
        for (int i = 0; i < MESSAGES; i++) {
            setup.addOpenMessage(i % 2 != 0);
        }
        setup.control.publish();
    }

    /** All messages of one kick. */
    @Benchmark
    @OperationsPerInvocation(MESSAGES)
    public void portOpen() {
        device.setup.device.queueNotified(DeviceSetup.CONTROL);
    }

    /** Frees all. */
    @TearDown
    public void close() {
        device.close();
    }
}
