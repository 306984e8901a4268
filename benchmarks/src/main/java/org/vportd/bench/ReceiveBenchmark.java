package org.vportd.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
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
 * A stream from a UNIX socket into a driver's buffers: through character device, device and ring, and by a plain {@code
 * readv} into as many buffers. An operation moves {@value #BYTES} bytes, which both ways read in calls of a size that they
 * find fit. That the driver takes the buffers and posts them again is measured with it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class ReceiveBenchmark {
    /** Bytes of one operation. */
    static final int BYTES = 1 << 20;

    private static final int BUFFERS = 64;

    /** Bytes of a buffer; Linux posts pages. */
    @Param({"64", "256", "1024", "4096", "32768", "65536"})
    public int bufferBytes;

    /** What the rings are like; the plain way has none. */
    @Param
    public Rings rings = Rings.SPLIT;

    private SocketPairs pairs;
    private final IoVector plainBuffers = new IoVector();

    /** Makes a socket with a writer for each of the two ways. */
    @Setup
    public void open() throws Exception {
        pairs = new SocketPairs(true, rings);
        DeviceSetup setup = pairs.setup;
        setup.addRoom(DeviceSetup.QUEUE_SIZE, bufferBytes);
        setup.rx.publish();
        setup.device.queueNotified(DeviceSetup.RX);
    }

    /** Buffers filled through the ring and posted again. */
    @Benchmark
    public long ring() {
        DeviceSetup setup = pairs.setup;
        long received = 0;
        while (received < BYTES) {
            boolean posted = false;
            while (setup.rx.poll()) {
                received += setup.rx.usedBytes();
                long buffer = setup.rx.usedToken();
                setup.rx.addWritable(setup.buffers + buffer * bufferBytes, bufferBytes, buffer);
                posted = true;
            }
            if (posted && setup.rx.publish()) {
                setup.device.queueNotified(DeviceSetup.RX);
            }
            if (received < BYTES) {
                pairs.loop.turn(-1);
            }
        }
        return received;
    }

    /** Buffers filled by a call that waits for bytes. */
    @Benchmark
    public long plain() throws Exception {
        long received = 0;
        while (received < BYTES) {
            plainBuffers.clear();
            for (int i = 0; i < BUFFERS; i++) {
                plainBuffers.add(
                        pairs.setup.memory.hostAddress(pairs.setup.buffers + (long) i * bufferBytes), bufferBytes);
            }
            received += Posix.readv(pairs.plain, plainBuffers);
        }
        return received;
    }

    /** Closes both. */
    @TearDown
    public void close() {
        pairs.close();
        plainBuffers.close();
    }
}
