package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.virtio.queue.QueueFixture.INDIRECT;
import static org.vportd.virtio.queue.QueueFixture.NEXT;
import static org.vportd.virtio.queue.QueueFixture.WRITE;
import static org.vportd.virtio.queue.QueueFixture.pattern;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.virtio.driver.DriverMemory;

/** What a hostile driver can do to a ring of either format. The ids are those of the project's list of hostile input. */
@ParameterizedClass
@EnumSource(names = {"SPLIT", "PACKED"})
class VirtQueueSecurityTest {
    private static final int SIZE = 8;
    private static final int MIB = 1 << 20;
    /** Two regions that touch, a hole, and a third one. */
    private static final List<DriverMemory.Range> RANGES = List.of(
            new DriverMemory.Range(0x10_0000, MIB),
            new DriverMemory.Range(0x20_0000, MIB),
            new DriverMemory.Range(0x40_0000, MIB));

    private static final long BORDER = 0x20_0000;
    private static final long HOLE = 0x30_0000;

    private final RingFormat format;

    VirtQueueSecurityTest(RingFormat format) {
        this.format = format;
    }

    private QueueFixture open() throws Exception {
        return new QueueFixture(format, SIZE, true, RANGES, 0);
    }

    private static void assertFault(QueueFixture f) {
        assertThrows(DriverFaultException.class, f.queue::walkReadable);
        assertEquals(0, f.usedIdx(), "nothing is returned");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, SIZE})
    @DisplayName("SEC-72 descriptor loop")
    void shouldFaultWhenDescriptorsLoop(int cycle) throws Exception {
        try (QueueFixture f = open()) {
            long data = f.data(1);
            for (int i = 0; i < cycle; i++) {
                f.descriptor(i, data, 0, NEXT, (i + 1) % cycle);
            }
            f.offer(0);
            assertFault(f);
        }
    }

    @Test
    @DisplayName("SEC-73 indirect table of 2^28 entries")
    void shouldFaultWithoutAllocationWhenTableIsHuge() throws Exception {
        try (QueueFixture f = open()) {
            for (long length : new long[] {0xffff_fff0L, 1025 * 16, 1 << 28}) {
                f.descriptor(0, 0x10_0000, length, INDIRECT, 0);
                f.restartBroken();
                f.offer(0);
                assertFault(f);
            }
        }
    }

    @Test
    @DisplayName("SEC-74 indirect without negotiation")
    void shouldFaultWhenIndirectWasNotNegotiated() throws Exception {
        try (QueueFixture f = open()) {
            f.queue.close();
            f.queue = f.newQueue(f.driver.firstBase(), false);
            long table = f.data(16);
            f.tableEntry(table, 0, f.data(1), 1, 0, 0);
            f.descriptor(0, table, 16, INDIRECT, 0);
            f.offer(0);
            assertFault(f);
        }
    }

    @Test
    @DisplayName("SEC-74 indirect inside a table")
    void shouldFaultWhenTableIsNested() throws Exception {
        try (QueueFixture f = open()) {
            long table = f.data(16);
            f.tableEntry(table, 0, table, 16, INDIRECT, 0);
            f.descriptor(0, table, 16, INDIRECT, 0);
            f.offer(0);
            assertFault(f);
        }
    }

    @Test
    @DisplayName("SEC-74 indirect together with NEXT")
    void shouldFaultWhenIndirectHasNext() throws Exception {
        try (QueueFixture f = open()) {
            long table = f.data(16);
            f.tableEntry(table, 0, f.data(1), 1, 0, 0);
            f.descriptor(0, table, 16, INDIRECT | NEXT, 1);
            f.descriptor(1, f.data(1), 1, 0, 0);
            f.offer(0);
            assertFault(f);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 15, 17, 40})
    @DisplayName("SEC-74 table length is 0 or no multiple of 16")
    void shouldFaultWhenTableLengthIsBad(long length) throws Exception {
        try (QueueFixture f = open()) {
            f.descriptor(0, f.data(64), length, INDIRECT, 0);
            f.offer(0);
            assertFault(f);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, HOLE, HOLE - 16, 0x50_0000 - 16, -16L, Long.MIN_VALUE})
    @DisplayName("SEC-74 table outside of memory")
    void shouldFaultWhenTableIsOutside(long address) throws Exception {
        try (QueueFixture f = open()) {
            f.descriptor(0, address, 32, INDIRECT, 0);
            f.offer(0);
            assertFault(f);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, HOLE, HOLE - 4, 0x40_0000 - 1, 0x50_0000 - 7, -4L, -8L, Long.MAX_VALUE})
    @DisplayName("SEC-75 buffer outside of memory, over its end, or over 2^64")
    void shouldFaultWhenBufferIsOutside(long address) throws Exception {
        try (QueueFixture f = open()) {
            f.descriptor(0, address, 8, 0, 0);
            f.offer(0);
            assertFault(f);
        }
    }

    @Test
    @DisplayName("SEC-75 buffer of the largest length")
    void shouldFaultWhenBufferRunsOutOfMemory() throws Exception {
        try (QueueFixture f = open()) {
            f.descriptor(0, 0x10_0000, 0xffff_ffffL, 0, 0);
            f.offer(0);
            assertFault(f);
        }
    }

    @Test
    @DisplayName("SEC-76 buffer crosses into an adjacent region")
    void shouldSplitBufferWhenItCrossesIntoAdjacentRegion() throws Exception {
        try (QueueFixture f = open()) {
            f.write(BORDER - 5, pattern(0, 10));
            f.descriptor(0, BORDER - 5, 10, 0, 0);
            f.offer(0);
            f.queue.walkReadable();
            assertArrayEquals(pattern(0, 10), f.window());
        }
    }

    @Test
    @DisplayName("SEC-77 buffers of length 0")
    void shouldReturnChainOnceWhenBuffersAreEmpty() throws Exception {
        try (QueueFixture f = open()) {
            f.descriptor(0, -1, 0, NEXT, 1); // the address of an empty buffer means nothing
            f.descriptor(1, f.data(pattern(0, 3)), 3, NEXT, 2);
            f.descriptor(2, HOLE, 0, 0, 0);
            f.descriptor(3, HOLE, 0, 0, 0);
            f.offer(0);
            f.offer(3);
            f.queue.walkReadable();
            assertArrayEquals(pattern(0, 3), f.window());
            f.queue.consume(3);
            f.queue.walkReadable();
            f.queue.publish();
            assertEquals(2, f.usedIdx());
            assertEquals(0, f.queue.windowChains());
        }
    }

    @Test
    @DisplayName("SEC-78 sum of lengths over 2^32 - 1")
    void shouldFaultWhenChainIsTooLong() throws Exception {
        try (QueueFixture f = new QueueFixture(
                format,
                8192,
                true,
                List.of(new DriverMemory.Range(0, 1L << 30), new DriverMemory.Range(1L << 30, MIB)),
                0)) {
            for (int i = 0; i < 5; i++) {
                f.descriptor(i, 0, 1L << 30, i < 4 ? NEXT : 0, i + 1);
            }
            f.offer(0);
            assertFault(f);
        }
    }

    @Test
    @DisplayName("SEC-78 just below 2^32 in one chain is no overflow, and one call takes little of it")
    void shouldBoundSegmentsWhenChainIsLong() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true, List.of(new DriverMemory.Range(0, 1L << 30)), 0)) {
            for (int i = 0; i < 4; i++) {
                f.descriptor(i, 0, i < 3 ? 1L << 30 : (1L << 30) - 1, i < 3 ? NEXT : 0, i + 1);
            }
            f.offer(0);
            f.queue.walkReadable();
            assertEquals(0xffff_ffffL, f.queue.segments().bytes());
            for (int i = 0; i < f.queue.segments().segments(); i++) {
                assertTrue(f.queue.segments().segmentBytes(i) <= VirtQueue.MAX_SEGMENT_BYTES);
            }
            f.queue.consume(0xffff_ffffL);
            f.queue.publish();
            assertEquals(1, f.usedIdx());
            assertEquals(0, f.usedElementLength(0));
        }
    }

    @Test
    @DisplayName("SEC-79 readable descriptor after a writable one")
    void shouldFaultWhenReadableComesAfterWritable() throws Exception {
        try (QueueFixture f = open()) {
            f.descriptor(0, f.data(1), 1, WRITE | NEXT, 1);
            f.descriptor(1, f.data(1), 1, 0, 0);
            f.offer(0);
            assertFault(f);
        }
    }

    @Test
    @DisplayName("SEC-80 writable buffer in a transmit queue")
    void shouldIgnoreWritablePartWhenReading() throws Exception {
        try (QueueFixture f = open()) {
            f.descriptor(0, f.data(pattern(0, 4)), 4, NEXT, 1);
            f.descriptor(1, f.data(100), 100, WRITE, 0);
            f.descriptor(2, f.data(100), 100, WRITE, 0);
            f.offer(0);
            f.offer(2);
            f.queue.walkReadable();
            assertArrayEquals(pattern(0, 4), f.window());
            f.queue.consume(4);
            f.queue.publish();
            assertEquals(2, f.usedIdx());
            assertEquals(0, f.usedElementLength(0));
            assertEquals(0, f.usedElementLength(1));
        }
    }

    @Test
    @DisplayName("SEC-80 readable buffer in a receive queue")
    void shouldNotWriteReadablePartWhenFilling() throws Exception {
        try (QueueFixture f = open()) {
            long secret = f.data(pattern(0, 4));
            long room = f.data(4);
            f.descriptor(0, secret, 4, NEXT, 1);
            f.descriptor(1, room, 4, WRITE, 0);
            f.descriptor(2, secret, 4, 0, 0);
            f.offer(2);
            f.offer(0);
            f.queue.walkWritable(SIZE);
            assertEquals(4, f.queue.segments().bytes());
            f.fillWindow(pattern(100, 4));
            f.queue.publish();
            assertArrayEquals(pattern(0, 4), f.read(secret, 4));
            assertArrayEquals(pattern(100, 4), f.read(room, 4));
            assertEquals(2, f.usedElementId(0));
            assertEquals(0, f.usedElementLength(0));
            assertEquals(4, f.usedElementLength(1));
        }
    }

    @Test
    @DisplayName("SEC-81 descriptors change while they are read")
    void shouldStayWithinMemoryWhenDescriptorsChangeMeanwhile() throws Exception {
        try (QueueFixture f = open()) {
            AtomicBoolean stop = new AtomicBoolean();
            long data = f.data(4096);
            Thread mutator = new Thread(() -> {
                SplittableRandom random = new SplittableRandom(81);
                long[] addresses = {data, HOLE, BORDER - 8, -1, 0x40_0000};
                while (!stop.get()) {
                    f.scribble(
                            random.nextInt(SIZE),
                            addresses[random.nextInt(addresses.length)],
                            random.nextInt(4) == 0 ? 0xffff_ffffL : random.nextInt(4096),
                            random.nextInt(8),
                            random.nextInt(SIZE + 1));
                }
            });
            mutator.start();
            try {
                long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(300);
                int faults = 0;
                while (System.nanoTime() - end < 0) {
                    f.offer(0);
                    try {
                        f.queue.walkReadable();
                        f.window(); // reads every byte
                        f.queue.consume(f.queue.segments().bytes());
                        f.queue.publish();
                    } catch (DriverFaultException e) {
                        faults++;
                        f.restartBroken();
                    }
                }
                assertTrue(faults > 0);
            } finally {
                stop.set(true);
                mutator.join();
            }
        }
    }

    @Test
    @DisplayName("SEC-82 driver makes chains available as fast as they are taken")
    void shouldEndTurnWhenDriverNeverStops() throws Exception {
        try (QueueFixture f = open()) {
            f.descriptor(0, f.data(1), 1, 0, 0);
            f.offer(0);
            int[] rounds = new int[1];
            VirtQueue.Drained drained = f.queue.drain(queue -> {
                queue.consume(queue.segments().bytes());
                f.offer(0);
                rounds[0]++;
                return true;
            });
            assertEquals(VirtQueue.Drained.MORE, drained);
            assertTrue(rounds[0] < 100, "rounds=" + rounds[0]);
            assertTrue(f.queue.hasAvailable());
        }
    }

    @Test
    @DisplayName("SEC-83 kicks with an empty ring")
    void shouldDoNothingWhenKickedForNothing() throws Exception {
        try (QueueFixture f = open()) {
            long allocated = allocatedBy(() -> {
                for (int i = 0; i < 20_000; i++) {
                    assertEquals(VirtQueue.Drained.IDLE, f.queue.drain(queue -> true));
                }
            });
            assertTrue(allocated < 20_000, "allocated=" + allocated);
            assertEquals(0, f.usedIdx());
            assertEquals(0, f.calls);
        }
    }

    @Test
    @DisplayName("SEC-84 games with used_event")
    void shouldKeepItsStateWhenUsedEventIsNonsense() throws Exception {
        try (QueueFixture f = open()) {
            SplittableRandom random = new SplittableRandom(84);
            f.descriptor(0, f.data(1), 1, 0, 0);
            for (int i = 1; i <= 1000; i++) {
                f.setUsedEvent(random.nextInt(0x10000));
                f.offer(0);
                f.queue.walkReadable();
                f.queue.consume(1);
                f.queue.publish();
                assertEquals(i, f.usedIdx());
            }
            assertTrue(f.calls < 1000);
        }
    }

    @Test
    @DisplayName("SEC-86 no receive buffers")
    void shouldOfferNoRoomWhenThereAreNoBuffers() throws Exception {
        try (QueueFixture f = open()) {
            long allocated = allocatedBy(() -> {
                for (int i = 0; i < 20_000; i++) {
                    f.queue.walkWritable(16);
                    assertTrue(f.queue.segments().isEmpty());
                    assertFalse(f.queue.enableKicks());
                }
            });
            assertTrue(allocated < 20_000, "allocated=" + allocated);
            f.driver.addWritable(f.data(1), 1, 0);
            assertTrue(f.driver.publish(), "kick wanted");
        }
    }

    @Test
    @DisplayName("SEC-87 buffers of one byte")
    void shouldAllocateNothingWhenBuffersAreTiny() throws Exception {
        try (QueueFixture f = open()) {
            long data = f.data(1);
            Runnable cycle = () -> {
                for (int i = 0; i < 20_000; i++) {
                    f.driver.addWritable(data, 1, 0);
                    f.driver.publish();
                    f.queue.walkWritable(16);
                    f.queue.fill(1);
                    f.queue.publish();
                    assertTrue(f.driver.poll());
                    assertEquals(1, f.driver.usedBytes());
                }
            };
            long allocated = allocatedBy(cycle);
            assertTrue(allocated < 20_000, "allocated=" + allocated);
        }
    }

    @Test
    @DisplayName("SEC-88 the rings themselves as buffers")
    void shouldStayInMemoryWhenBuffersAreTheRings() throws Exception {
        try (QueueFixture f = open()) {
            f.descriptor(0, f.driver.descriptorAddress(), SplitLayout.descriptorBytes(SIZE), WRITE | NEXT, 1);
            f.descriptor(1, f.driver.usedAddress(), SplitLayout.usedBytes(SIZE, true), WRITE, 0);
            f.offer(0);
            f.queue.walkWritable(16);
            byte[] junk = new byte[(int) f.queue.segments().bytes()];
            Arrays.fill(junk, (byte) 0xff);
            f.fillWindow(junk);
            f.queue.publish();
            assertEquals(1, f.usedIdx());
            if (format.isPacked()) {
                assertFalse(f.queue.hasAvailable()); // the junk is in the flags
            } else {
                f.offer(0); // what the junk describes now is outside of memory
                assertThrows(DriverFaultException.class, () -> f.queue.walkWritable(16));
            }
        }
    }

    private static long allocatedBy(Runnable action) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        action.run(); // whatever is allocated once
        long before = threads.getCurrentThreadAllocatedBytes();
        action.run();
        return threads.getCurrentThreadAllocatedBytes() - before;
    }
}
