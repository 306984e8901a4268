package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.virtio.queue.QueueFixture.pattern;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.vportd.virtio.driver.DriverMemory;

/** What only split rings have; the rest is in {@link VirtQueueTest}. */
class SplitQueueTest {
    private static final List<DriverMemory.Range> MEMORY = List.of(new DriverMemory.Range(0x10_0000, 1 << 20));

    @Test
    void shouldFollowTableWhenItEndsAChainOfDescriptors() throws Exception {
        try (QueueFixture f = new QueueFixture(RingFormat.SPLIT, 8, false, MEMORY, 0)) {
            f.driver.readable(f.data(pattern(0, 5)), 5);
            f.driver.readable(f.data(pattern(5, 5)), 5);
            f.driver.readable(f.data(pattern(10, 5)), 5);
            f.driver.readable(f.data(pattern(15, 5)), 5);
            f.driver.submit(2, f.data(32), 0);
            f.driver.publish();

            f.queue.walkReadable();

            assertArrayEquals(pattern(0, 20), f.window());
            f.queue.consume(20);
            f.queue.publish();
            assertTrue(f.driver.poll());
            assertEquals(8, f.driver.free());
        }
    }

    @Test
    void shouldRefuseSizeWhenItIsNoPowerOfTwo() throws Exception {
        try (QueueFixture f = new QueueFixture(RingFormat.SPLIT, 8, true)) {
            for (int size : new int[] {0, 3, 65536, -8}) {
                QueueConfig config = new QueueConfig(size, 1, 1, 1, 0, new RingFeatures(false, true, true, false));
                assertThrows(DriverFaultException.class, () -> VirtQueue.open(config, f.deviceMemory, () -> {}));
            }
        }
    }

    @Test
    void shouldKeepUsedFlagsZeroWhenEventIdxIsNegotiated() throws Exception {
        try (QueueFixture f = new QueueFixture(RingFormat.SPLIT, 8, true)) {
            f.queue.disableKicks();
            assertEquals(0, f.split().usedFlags());
            f.queue.enableKicks();
            assertEquals(0, f.split().usedFlags());
        }
    }

    @Test
    void shouldUpdateAvailEventWhenQueueGoesIdle() throws Exception {
        try (QueueFixture f = new QueueFixture(RingFormat.SPLIT, 8, true)) {
            f.driver.addReadable(f.data(1), 1, 0);
            f.driver.addReadable(f.data(1), 1, 1);
            f.driver.publish();
            assertEquals(VirtQueue.Drained.IDLE, f.queue.drain(SplitQueueTest::takeAll));
            assertEquals(2, f.split().availEvent());
        }
    }

    @Test
    void shouldWriteOneElementForSeveralChainsWhenInOrder() throws Exception {
        try (QueueFixture f = new QueueFixture(RingFormat.SPLIT_IN_ORDER, 8, true)) {
            int last = 0;
            for (int i = 0; i < 5; i++) {
                last = f.driver.addReadable(f.data(3), 3, i);
            }
            f.driver.publish();
            f.queue.drain(SplitQueueTest::takeAll);
            assertEquals(5, f.split().used());
            assertEquals(last, f.usedElementId(0));
            for (int i = 1; i < 5; i++) {
                assertEquals(0, f.usedElementId(i), "not written");
            }
        }
    }

    private static boolean takeAll(VirtQueue queue) {
        queue.consume(queue.segments().bytes());
        return true;
    }
}
