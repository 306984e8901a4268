package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.virtio.queue.PackedLayout.FIRST_BASE;
import static org.vportd.virtio.queue.PackedLayout.FIRST_CURSOR;
import static org.vportd.virtio.queue.PackedLayout.VIRTQ_DESC_F_AVAIL;
import static org.vportd.virtio.queue.PackedLayout.VIRTQ_DESC_F_USED;
import static org.vportd.virtio.queue.QueueFixture.NEXT;
import static org.vportd.virtio.queue.QueueFixture.WRITE;
import static org.vportd.virtio.queue.QueueFixture.pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What only packed rings have; the rest is in {@link VirtQueueTest}. */
class PackedQueueTest {
    private static final int OWNERS = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;

    private static QueueFixture open(int size, boolean eventIdx) throws Exception {
        return new QueueFixture(RingFormat.PACKED, size, eventIdx);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 7, 100, 1000, 32767, 32768})
    void shouldGoRoundWhenRingIsOfAnySize(int size) throws Exception {
        try (QueueFixture f = open(size, true)) {
            long data = f.data(pattern(1, 4));
            for (int i = 0; i < 2 * size + 3; i++) {
                f.driver.addReadable(data, 4, i);
                f.driver.publish();
                f.queue.walkReadable();
                assertEquals(4, f.queue.segments().bytes());
                f.queue.consume(4);
                f.queue.publish();
                assertTrue(f.driver.poll());
                assertEquals(i, f.driver.usedToken());
            }
        }
    }

    @Test
    void shouldLeaveRingAsTheDriverMadeItUntilBatchIsShown() throws Exception {
        try (QueueFixture f = open(4, false)) {
            for (int i = 0; i < 3; i++) {
                f.driver.addReadable(f.data(2), 2, i);
            }
            f.driver.publish();
            f.queue.walkReadable();

            f.queue.consume(6);

            for (int i = 0; i < 3; i++) { // a device that comes after this one can still read it
                assertEquals(VIRTQ_DESC_F_AVAIL, f.packed().flags(i) & OWNERS);
                assertEquals(2, f.packed().length(i));
            }
            assertFalse(f.driver.poll());
            f.queue.publish();
            for (int i = 0; i < 3; i++) {
                assertEquals(OWNERS, f.packed().flags(i) & OWNERS);
                assertTrue(f.driver.poll());
            }
        }
    }

    @Test
    void shouldNotTakeRingForNewThatHasBeenGoneRound() throws Exception {
        try (QueueFixture f = open(3, false)) {
            assertTrue(f.queue.isNew());
            for (int i = 0; i < 6; i++) {
                f.driver.addReadable(f.data(2), 2, i);
                f.driver.publish();
                f.queue.walkReadable();
                f.queue.consume(2);
                f.queue.publish();
                assertTrue(f.driver.poll());
                assertFalse(f.queue.isNew());
            }
            assertEquals(FIRST_BASE, f.queue.base());
            f.driver.reset();
            try (VirtQueue anew = f.newQueue(FIRST_BASE, true)) {
                assertTrue(anew.isNew());
            }
        }
    }

    @Test
    void shouldMarkUsedInFlagsOfTheRoundWhenRingWraps() throws Exception {
        try (QueueFixture f = open(3, false)) {
            for (int i = 0; i < 2; i++) {
                f.driver.readable(f.data(2), 2).readable(f.data(2), 2).submit(i);
                f.driver.publish();
                f.queue.walkReadable();
                f.queue.consume(4);
                f.queue.publish();
                assertTrue(f.driver.poll());
            }
            // The second chain was in descriptors 2 and 0; one used descriptor stands for it, in the first round still.
            assertEquals(OWNERS, f.packed().flags(2) & OWNERS);
            assertEquals(VIRTQ_DESC_F_USED, f.packed().flags(0) & OWNERS);
            assertEquals(PackedLayout.base(1), f.queue.base());
        }
    }

    @Test
    void shouldSetWriteFlagWhenBytesWereWritten() throws Exception {
        try (QueueFixture f = open(4, false)) {
            f.driver.addWritable(f.data(8), 8, 1);
            f.driver.addWritable(f.data(8), 8, 2);
            f.driver.publish();
            f.queue.walkWritable(4);
            f.queue.skipFirst();
            f.fillWindow(pattern(0, 5));
            f.queue.publish();
            assertEquals(0, f.packed().flags(0) & WRITE);
            assertEquals(WRITE, f.packed().flags(1) & WRITE);
            assertEquals(5, f.packed().length(1));
        }
    }

    @Test
    void shouldReturnIdOfLastDescriptorWhenChainHasSeveral() throws Exception {
        try (QueueFixture f = open(4, false)) {
            long data = f.data(pattern(0, 4));
            f.packed().put(1, data + 2, 2, 0xfffe, PackedLayout.availableFlags(FIRST_CURSOR));
            f.packed().put(0, data, 2, 17, NEXT | PackedLayout.availableFlags(FIRST_CURSOR));
            f.queue.walkReadable();
            assertArrayEquals(pattern(0, 4), f.window());
            f.queue.consume(4);
            f.queue.publish();
            assertEquals(0xfffe, f.packed().id(0), "opaque, returned as it came");
        }
    }

    @Test
    void shouldIgnoreNextWhenItIsInATable() throws Exception {
        try (QueueFixture f = open(4, false)) {
            long table = f.data(48);
            long data = f.data(pattern(0, 6));
            for (int i = 0; i < 3; i++) {
                f.tableEntry(table, i, data + 2L * i, 2, NEXT, 0);
            }
            f.descriptor(0, table, 48, QueueFixture.INDIRECT | WRITE, 0);
            f.offer(0);
            f.queue.walkReadable();
            assertArrayEquals(pattern(0, 6), f.window());
        }
    }

    @Test
    void shouldWriteOneDescriptorForSeveralChainsWhenInOrder() throws Exception {
        try (QueueFixture f = new QueueFixture(RingFormat.PACKED_IN_ORDER, 8, true)) {
            int last = 0;
            for (int i = 0; i < 3; i++) {
                last = f.driver.readable(f.data(3), 3).readable(f.data(3), 3).submit(i);
            }
            f.driver.publish();
            f.queue.drain(PackedQueueTest::takeAll);
            assertEquals(OWNERS, f.packed().flags(0) & OWNERS);
            assertEquals(last, f.packed().id(0));
            for (int i = 1; i < 6; i++) {
                assertEquals(VIRTQ_DESC_F_AVAIL, f.packed().flags(i) & OWNERS, "not written");
            }
            for (int i = 0; i < 3; i++) {
                assertTrue(f.driver.poll());
                assertEquals(i, f.driver.usedToken());
            }
            assertEquals(8, f.driver.free());
        }
    }

    @Test
    void shouldNameDescriptorInDeviceEventWhenQueueGoesIdle() throws Exception {
        try (QueueFixture f = open(3, true)) {
            for (int i = 0; i < 4; i++) {
                f.driver.addReadable(f.data(1), 1, i);
                f.driver.publish();
                assertEquals(VirtQueue.Drained.IDLE, f.queue.drain(PackedQueueTest::takeAll));
                f.driver.poll();
            }
            assertEquals(PackedLayout.eventAt(1), f.packed().deviceEvent()); // second round: wrap counter 0
        }
    }

    @Test
    void shouldDisableAndEnableKicksWithoutEventIdx() throws Exception {
        try (QueueFixture f = open(4, false)) {
            f.queue.disableKicks();
            assertEquals(
                    PackedLayout.event(PackedLayout.RING_EVENT_FLAGS_DISABLE),
                    f.packed().deviceEvent());
            f.queue.enableKicks();
            assertEquals(
                    PackedLayout.event(PackedLayout.RING_EVENT_FLAGS_ENABLE),
                    f.packed().deviceEvent());
        }
    }

    @Test
    void shouldCallWhenEventFlagsMakeNoSense() throws Exception {
        for (int flags : new int[] {PackedLayout.RING_EVENT_FLAGS_DESC, 3}) { // the first needs EVENT_IDX
            try (QueueFixture f = open(4, false)) {
                f.packed().setDriverEvent(PackedLayout.event(flags));
                f.driver.addReadable(f.data(1), 1, 0);
                f.driver.publish();
                f.queue.drain(PackedQueueTest::takeAll);
                assertEquals(1, f.calls);
            }
        }
    }

    /** Returns six chains at once in a ring of eight, the second time over its end. */
    @ParameterizedTest
    @CsvSource({"0,false", "5,false", "6,true", "7,true", "8,true", "11,true", "12,false"})
    void shouldCallWhenTheNamedDescriptorIsPassed(int named, boolean called) throws Exception {
        try (QueueFixture f = open(8, true)) {
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < 6; i++) {
                    f.driver.addReadable(f.data(1), 1, i);
                }
                f.driver.publish();
                f.queue.walkReadable();
                f.packed().setUsedEvent(PackedLayout.advance(PackedLayout.advance(FIRST_CURSOR, 7, 8), named - 7, 8));
                if (named < 7) {
                    f.packed().setUsedEvent(FIRST_CURSOR | named);
                }
                int before = f.calls;
                f.queue.consume(6);
                f.queue.publish();
                if (round == 1) {
                    assertEquals(called ? 1 : 0, f.calls - before);
                }
                while (f.driver.poll()) {
                    f.driver.usedToken();
                }
            }
        }
    }

    @Test
    void shouldGoOnInTheSecondRoundWhenBaseSaysSo() throws Exception {
        try (QueueFixture f = open(3, false)) {
            for (int i = 0; i < 4; i++) {
                f.driver.addReadable(f.data(pattern(i, 1)), 1, i);
                f.driver.publish();
                f.queue.drain(PackedQueueTest::takeAll);
                f.driver.poll();
            }
            f.driver.addReadable(f.data(pattern(9, 1)), 1, 9);
            f.driver.publish();
            assertEquals(PackedLayout.base(1), f.queue.base());
            f.restart();
            f.queue.walkReadable();
            assertArrayEquals(pattern(9, 1), f.window());
        }
    }

    @Test
    void shouldBeginAtTheFirstDescriptorInTheFirstRound() {
        assertEquals(0x80008000, FIRST_BASE);
    }

    @Test
    void shouldRefuseSizeWhenItIsOutOfRange() throws Exception {
        try (QueueFixture f = open(8, true)) {
            for (int size : new int[] {0, 32769, 65536, -8}) {
                QueueConfig config =
                        new QueueConfig(size, 1, 1, 1, FIRST_BASE, new RingFeatures(true, true, true, false));
                assertThrows(DriverFaultException.class, () -> VirtQueue.open(config, f.deviceMemory, () -> {}));
            }
        }
    }

    private static boolean takeAll(VirtQueue queue) {
        queue.consume(queue.segments().bytes());
        return true;
    }
}
