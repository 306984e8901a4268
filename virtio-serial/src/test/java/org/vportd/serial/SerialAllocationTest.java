package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.ConfigException;
import org.vportd.posix.PosixException;
import org.vportd.virtio.driver.QueueDriver;

/** The way of a byte makes no garbage. */
@ParameterizedClass
@CsvSource({"false,false", "false,true", "true,false", "true,true"})
class SerialAllocationTest {
    private static final int ROUNDS = 20_000;
    private static final int ATTEMPTS = 10;
    private static final int BUFFER_BYTES = 64;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private DeviceUnderTest dut;
    private TestChardev chardev;
    private long data;

    private final DeviceUnderTest.Shape shape;

    SerialAllocationTest(boolean packed, boolean inOrder) {
        shape = DeviceUnderTest.Shape.DEFAULT.withRings(packed, inOrder);
    }

    @BeforeEach
    void open() throws PosixException, ConfigException {
        dut = new DeviceUnderTest(2, shape);
        chardev = dut.chardev().open();
        data = dut.memory().allocate(BUFFER_BYTES, 64);
    }

    private SerialPort boot(SerialPort port) {
        dut.boot();
        return port;
    }

    @AfterEach
    void close() {
        dut.close();
    }

    /** The least that several attempts allocate: what the compiler does in between is not ours. */
    private void assertNoGarbage(Runnable round) {
        long least = Long.MAX_VALUE;
        for (int attempt = 0; attempt < ATTEMPTS && least > 0; attempt++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < ROUNDS; i++) {
                round.run();
            }
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        assertEquals(0, least, "bytes in " + ROUNDS + " rounds");
    }

    private static void take(QueueDriver ring, int chains) {
        for (int i = 0; i < chains; i++) {
            if (!ring.poll()) {
                throw new AssertionError("device returned too few chains: i=" + i);
            }
        }
    }

    private void send(SerialPort port, int chains) {
        QueueDriver ring = dut.tx(port).ring();
        for (int i = 0; i < chains; i++) {
            ring.addReadable(data, BUFFER_BYTES, 0);
        }
        dut.tx(port).publish();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 32})
    void shouldAllocateNothingWhenOutputFlows(int chains) throws ConfigException {
        SerialPort port = boot(dut.channel(chardev.countOnly()));
        assertNoGarbage(() -> {
            send(port, chains);
            dut.loop().turn(0);
            take(dut.tx(port).ring(), chains);
        });
    }

    @Test
    void shouldAllocateNothingWhenOutputIsThrottledAndResumed() throws ConfigException {
        SerialPort port = boot(dut.channel(chardev.countOnly().limitRoom(0)));
        assertNoGarbage(() -> {
            chardev.makeRoom(BUFFER_BYTES + BUFFER_BYTES / 2);
            send(port, 2);
            chardev.makeRoom(BUFFER_BYTES / 2);
            dut.loop().turn(0);
            take(dut.tx(port).ring(), 2);
        });
    }

    @Test
    void shouldAllocateNothingWhenConsoleOutputFlows() throws ConfigException {
        SerialPort port = boot(dut.console(chardev.countOnly()));
        assertNoGarbage(() -> {
            send(port, 4);
            take(dut.tx(port).ring(), 4);
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 32})
    void shouldAllocateNothingWhenInputFlows(int chains) throws ConfigException {
        SerialPort port = boot(dut.channel(chardev));
        QueueDriver ring = dut.rx(port).ring();
        assertNoGarbage(() -> {
            for (int i = 0; i < chains; i++) {
                ring.addWritable(data, BUFFER_BYTES, 0);
            }
            dut.rx(port).publish();
            chardev.feedPattern((long) chains * BUFFER_BYTES);
            dut.settle(); // a turn may have no time left for more than the call of the last round
            take(ring, chains);
        });
    }
}
