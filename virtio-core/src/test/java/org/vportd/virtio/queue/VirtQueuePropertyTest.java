package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.vportd.virtio.driver.DriverMemory;

/**
 * Random operations of driver and device against a naive model, which is a queue of chains with their contents. A failure
 * names its seed; {@code -Dvportd.seed=N} runs that one alone.
 */
@ParameterizedClass
@EnumSource(RingFormat.class)
class VirtQueuePropertyTest {
    private static final String SEED_PROPERTY = "vportd.seed";
    private static final int RUNS = 40;
    private static final int STEPS = 2_000;
    private static final int MIB = 1 << 20;
    /** Data begins in the second region and straddles into the third, which touches it. */
    private static final List<DriverMemory.Range> RANGES = List.of(
            new DriverMemory.Range(0x10_0000, MIB),
            new DriverMemory.Range(0x4000_0000L, MIB),
            new DriverMemory.Range(0x4000_0000L + MIB, MIB, 8192));

    private static final long DATA = 0x4000_0000L + MIB / 2;
    private static final int DATA_BYTES = MIB;

    /** A chain as the model sees it. */
    private static final class Chain {
        private final long token;
        private final int writableBytes;
        private final long[] writableParts;
        /** What the device wrote to it; null while it has not. */
        private byte @Nullable [] written;

        Chain(long token, int writableBytes, long[] writableParts) {
            this.token = token;
            this.writableBytes = writableBytes;
            this.writableParts = writableParts;
        }
    }

    private final RingFormat format;

    VirtQueuePropertyTest(RingFormat format) {
        this.format = format;
    }

    @Test
    void shouldAgreeWithModelWhenOperationsAreRandom() throws Exception {
        Long only = Long.getLong(SEED_PROPERTY);
        long first = only != null ? only : System.nanoTime();
        for (long seed = first; seed < first + (only != null ? 1 : RUNS); seed++) {
            try {
                new Run(format, seed).run();
            } catch (Throwable e) {
                throw new AssertionError(format + ": replay with -D" + SEED_PROPERTY + "=" + seed, e);
            }
        }
    }

    private static final class Run {
        private final SplittableRandom random;
        private final boolean transmit;
        private final QueueFixture f;
        private final ArrayDeque<Chain> withDevice = new ArrayDeque<>();
        private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
        private final ByteArrayOutputStream received = new ByteArrayOutputStream();
        private long nextToken;
        private int dataAt;
        private boolean driverSleeps;
        private boolean deviceSleeps;
        private int callsSeen;

        Run(RingFormat format, long seed) throws Exception {
            this.random = new SplittableRandom(seed);
            this.transmit = random.nextBoolean();
            int size = format.isPacked() ? 1 + random.nextInt(300) : 1 << random.nextInt(9);
            this.f = new QueueFixture(format, size, random.nextBoolean(), RANGES, 8);
        }

        void run() {
            try (f) {
                for (int i = 0; i < STEPS; i++) {
                    switch (random.nextInt(10)) {
                        case 0, 1, 2, 3 -> driverAdds();
                        case 4, 5 -> deviceWorks();
                        case 6 -> driverPolls();
                        case 7 -> driverGoesToSleep();
                        case 8 -> deviceGoesToSleep();
                        default -> deviceRestarts();
                    }
                }
                while (!withDevice.isEmpty()) {
                    deviceWorks();
                    driverPolls();
                }
                assertEquals(f.driver.size(), f.driver.free());
                assertEquals(0, f.driver.outstanding());
                if (transmit) {
                    assertArrayEquals(sent.toByteArray(), received.toByteArray());
                }
            }
        }

        private void driverAdds() {
            int count = 1 + random.nextInt(3);
            for (int i = 0; i < count; i++) {
                add();
            }
            if (f.driver.publish()) {
                deviceSleeps = false;
            } else if (deviceSleeps && f.driver.outstanding() > 0 && deviceMissed()) {
                throw new AssertionError("lost kick");
            }
        }

        /** Whether chains are available that a sleeping device has not been told of. */
        private boolean deviceMissed() {
            return f.queue.hasAvailable();
        }

        private void add() {
            int buffers = 1 + random.nextInt(6);
            long token = nextToken++;
            ByteArrayOutputStream readable = new ByteArrayOutputStream();
            long[] parts = new long[2 * buffers];
            int writableBytes = 0;
            int firstWritable = transmit ? buffers - random.nextInt(2) : random.nextInt(2);
            for (int i = 0; i < buffers; i++) {
                int length = random.nextInt(5) == 0 ? 0 : 1 + random.nextInt(300);
                if (dataAt + length > DATA_BYTES) {
                    dataAt = 0;
                }
                long address = DATA - DATA_BYTES / 2 + DATA_BYTES / 4 + dataAt;
                dataAt += length;
                if (i < firstWritable) {
                    byte[] bytes = new byte[length];
                    random.nextBytes(bytes);
                    f.write(address, bytes);
                    readable.writeBytes(bytes);
                    f.driver.readable(address, length);
                } else {
                    f.driver.writable(address, length);
                    parts[2 * i] = address;
                    parts[2 * i + 1] = length;
                    writableBytes += length;
                }
            }
            int head = random.nextInt(3) == 0 ? f.driver.submitIndirect(token) : f.driver.submit(token);
            if (head >= 0) {
                withDevice.add(new Chain(token, writableBytes, parts));
                if (transmit) {
                    sent.writeBytes(readable.toByteArray());
                }
            }
        }

        private void deviceWorks() {
            deviceSleeps = false;
            f.queue.disableKicks();
            if (transmit) {
                f.queue.walkReadable();
                byte[] window = f.window();
                int n = random.nextInt(3) == 0 ? random.nextInt(window.length + 1) : window.length;
                received.write(window, 0, n);
                f.queue.consume(n);
            } else {
                f.queue.walkWritable(1 + random.nextInt(20));
                int room = (int) f.queue.segments().bytes();
                byte[] bytes = new byte[random.nextInt(3) == 0 ? random.nextInt(room + 1) : room];
                random.nextBytes(bytes);
                expectFilled(bytes);
                f.fillWindow(bytes);
            }
            f.queue.publish();
            if (f.calls != callsSeen) {
                callsSeen = f.calls;
                driverSleeps = false;
            }
            if (driverSleeps && f.driver.returned() > 0) {
                throw new AssertionError("lost call");
            }
        }

        /** Spreads what the device writes over the chains in order. */
        private void expectFilled(byte[] bytes) {
            int at = 0;
            for (Chain chain : withDevice) {
                if (at == bytes.length) {
                    return;
                }
                if (chain.written == null && chain.writableBytes > 0) {
                    int n = Math.min(chain.writableBytes, bytes.length - at);
                    chain.written = Arrays.copyOfRange(bytes, at, at + n);
                    at += n;
                }
            }
        }

        private void driverPolls() {
            driverSleeps = false;
            while (f.driver.poll()) {
                Chain chain = withDevice.remove();
                assertEquals(chain.token, f.driver.usedToken());
                byte[] written = chain.written;
                if (written == null) {
                    assertTrue(transmit || chain.writableBytes == 0, "chain returned unused");
                    assertEquals(0, f.driver.usedBytes());
                } else {
                    assertEquals(written.length, f.driver.usedBytes());
                    assertArrayEquals(written, contents(chain, written.length));
                }
            }
        }

        private byte[] contents(Chain chain, int lengthBytes) {
            byte[] all = new byte[lengthBytes];
            int at = 0;
            for (int i = 0; i < chain.writableParts.length && at < lengthBytes; i += 2) {
                int n = (int) Math.min(chain.writableParts[i + 1], lengthBytes - at);
                System.arraycopy(f.read(chain.writableParts[i], n), 0, all, at, n);
                at += n;
            }
            return all;
        }

        private void driverGoesToSleep() {
            driverPolls();
            if (f.driver.enableCalls()) {
                driverPolls();
            } else {
                driverSleeps = true;
                callsSeen = f.calls;
            }
        }

        private void deviceGoesToSleep() {
            if (f.queue.windowChains() == 0 && !f.queue.enableKicks()) {
                deviceSleeps = true;
            }
        }

        private void deviceRestarts() {
            int base = f.queue.base();
            f.restart();
            deviceSleeps = false;
            assertTrue(f.queue.base() == base, "base");
        }
    }
}
