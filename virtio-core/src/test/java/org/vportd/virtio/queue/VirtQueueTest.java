package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.virtio.queue.QueueFixture.pattern;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.IoVector;
import org.vportd.virtio.driver.DriverMemory;

@ParameterizedClass
@EnumSource(RingFormat.class)
class VirtQueueTest {
    private static final int MIB = 1 << 20;
    /** Two regions that touch, so that a buffer can straddle them. */
    private static final List<DriverMemory.Range> ADJACENT =
            List.of(new DriverMemory.Range(0x10_0000, MIB), new DriverMemory.Range(0x20_0000, MIB, 4096));

    private static final long BORDER = 0x20_0000;

    private final RingFormat format;

    VirtQueueTest(RingFormat format) {
        this.format = format;
    }

    @Test
    void shouldShowBuffersInOrderWhenSeveralChainsAreAvailable() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            f.driver
                    .readable(f.data(pattern(0, 3)), 3)
                    .readable(f.data(pattern(3, 2)), 2)
                    .submit(0);
            f.driver.addReadable(f.data(pattern(5, 4)), 4, 1);
            f.driver.publish();

            f.queue.walkReadable();

            assertArrayEquals(pattern(0, 9), f.window());
            assertEquals(2, f.queue.windowChains());
            assertEquals(3, f.queue.segments().segments());
        }
    }

    @Test
    void shouldReturnChainWithLengthZeroWhenItsBytesAreConsumed() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            f.driver.addReadable(f.data(10), 10, 7);
            f.driver.publish();
            f.queue.walkReadable();

            f.queue.consume(10);
            f.queue.publish();

            assertTrue(f.driver.poll());
            assertEquals(7, f.driver.usedToken());
            assertEquals(0, f.driver.usedBytes());
            assertFalse(f.driver.poll());
        }
    }

    @Test
    void shouldKeepChainWhenConsumerStopsInTheMiddleOfABuffer() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            f.driver.addReadable(f.data(pattern(0, 10)), 10, 0);
            f.driver.addReadable(f.data(pattern(10, 10)), 10, 1);
            f.driver.publish();
            f.queue.walkReadable();

            f.queue.consume(13);
            f.queue.publish();

            assertArrayEquals(pattern(13, 7), f.window());
            assertTrue(f.driver.poll());
            assertFalse(f.driver.poll());
            f.queue.consume(7);
            f.queue.publish();
            assertTrue(f.driver.poll());
        }
    }

    @Test
    void shouldShowNothingWhenChainsAreNotPublished() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            f.driver.addReadable(f.data(10), 10, 0);
            f.queue.walkReadable();
            assertEquals(0, f.queue.windowChains());
        }
    }

    @Test
    void shouldFollowTableWhenChainIsIndirect() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 2, true, ADJACENT, 100)) {
            for (int i = 0; i < 100; i++) {
                f.driver.readable(f.data(pattern(i, 1)), 1);
            }
            f.driver.submitIndirect(5);
            f.driver.publish();

            f.queue.walkReadable();

            assertArrayEquals(pattern(0, 100), f.window());
            f.queue.consume(100);
            f.queue.publish();
            assertTrue(f.driver.poll());
            assertEquals(2, f.driver.free());
        }
    }

    @Test
    void shouldFollowTableWhenItStraddlesRegions() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true, ADJACENT, 0)) {
            long data = f.data(pattern(0, 40));
            for (int i = 0; i < 4; i++) {
                f.driver.readable(data + 10L * i, 10);
            }
            f.driver.submit(0, BORDER - 24, 0); // one and a half entries before the border
            f.driver.publish();

            f.queue.walkReadable();

            assertArrayEquals(pattern(0, 40), f.window());
        }
    }

    @Test
    void shouldSplitBufferWhenItStraddlesRegions() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true, ADJACENT, 0)) {
            f.write(BORDER - 3, pattern(0, 10));
            f.driver.addReadable(BORDER - 3, 10, 0);
            f.driver.publish();

            f.queue.walkReadable();

            assertArrayEquals(pattern(0, 10), f.window());
            assertEquals(2, f.queue.segments().segments());
        }
    }

    @Test
    void shouldReportBytesWrittenWhenBuffersArePartlyFilled() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            long first = f.data(100);
            long second = f.data(100);
            f.driver.addWritable(first, 100, 1);
            f.driver.addWritable(second, 100, 2);
            f.driver.addWritable(f.data(100), 100, 3);
            f.driver.publish();
            f.queue.walkWritable(16);

            f.fillWindow(pattern(0, 130));
            f.queue.publish();

            assertTrue(f.driver.poll());
            assertEquals(100, f.driver.usedBytes());
            assertTrue(f.driver.poll());
            assertEquals(2, f.driver.usedToken());
            assertEquals(30, f.driver.usedBytes());
            assertFalse(f.driver.poll());
            assertArrayEquals(pattern(0, 100), f.read(first, 100));
            assertArrayEquals(pattern(100, 30), f.read(second, 30));
            assertEquals(100, f.queue.segments().bytes());
        }
    }

    @Test
    void shouldFillChainOfSeveralBuffersWithoutGaps() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            long a = f.data(10);
            long b = f.data(10);
            f.driver.writable(a, 10).writable(b, 10).submit(0);
            f.driver.publish();
            f.queue.walkWritable(16);

            f.fillWindow(pattern(0, 15));
            f.queue.publish();

            assertTrue(f.driver.poll());
            assertEquals(15, f.driver.usedBytes());
            assertArrayEquals(pattern(10, 5), f.read(b, 5));
            assertEquals(0, f.queue.windowChains());
            assertTrue(f.queue.segments().isEmpty());
        }
    }

    @Test
    void shouldReturnChainUnusedWhenItIsSkipped() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            f.driver.addWritable(f.data(4), 4, 1);
            f.driver.addWritable(f.data(8), 8, 2);
            f.driver.publish();
            f.queue.walkWritable(16);

            f.queue.skipFirst();
            f.queue.publish();

            assertTrue(f.driver.poll());
            assertEquals(1, f.driver.usedToken());
            assertEquals(0, f.driver.usedBytes());
            assertEquals(8, f.queue.segments().bytes());
        }
    }

    @Test
    void shouldHoldNoMoreChainsThanAskedForWhenWalkingWritable() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            for (int i = 0; i < 8; i++) {
                f.driver.addWritable(f.data(4), 4, i);
            }
            f.driver.publish();
            f.queue.walkWritable(3);
            assertEquals(3, f.queue.windowChains());
            assertEquals(f.driver.firstBase(), f.queue.base());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 64, 256, 1024, 32768})
    void shouldMoveAllWhenRingIsOfSize(int near) throws Exception {
        int size = format.sizeNear(near);
        try (QueueFixture f = new QueueFixture(format, size, true)) {
            long data = f.data(64);
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < size; i++) {
                    assertTrue(f.driver.addReadable(data, 64, i) >= 0);
                }
                assertEquals(-1, f.driver.addReadable(data, 64, 0));
                f.driver.publish();
                int done = 0;
                while (done < size) {
                    f.queue.walkReadable();
                    done += f.queue.windowChains();
                    f.queue.consume(f.queue.segments().bytes());
                    f.queue.publish();
                }
                for (int i = 0; i < size; i++) {
                    assertTrue(f.driver.poll());
                    assertEquals(i, f.driver.usedToken());
                }
                assertEquals(size, f.driver.free());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 128, 32768})
    void shouldGoOnWhenIndexesWrap(int near) throws Exception {
        int size = format.sizeNear(near);
        try (QueueFixture f = new QueueFixture(format, size, true)) {
            long data = f.data(8);
            f.queue.enableKicks();
            f.driver.enableCalls();
            for (int i = 0; i < 70_000; i++) {
                f.driver.addReadable(data, 8, i);
                assertTrue(f.driver.publish(), "kick wanted");
                f.queue.walkReadable();
                f.queue.consume(8);
                f.queue.publish();
                assertEquals(i + 1, f.calls);
                assertTrue(f.driver.poll());
                assertEquals(i, f.driver.usedToken());
                assertFalse(f.driver.enableCalls());
                assertFalse(f.queue.enableKicks());
            }
        }
    }

    @Test
    @DisplayName("SEC-82 a turn takes a bounded number of bytes, so that other queues have theirs")
    void shouldEndTurnWhenMuchHasBeenTaken() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 4096, true)) {
            long data = f.data(pattern(0, 4096));
            for (int i = 0; i < 4096; i++) {
                f.driver.addReadable(data, 4096, i);
            }
            f.driver.publish();
            int turns = 1;
            while (f.queue.drain(VirtQueueTest::takeAll) == VirtQueue.Drained.MORE) {
                turns++;
            }
            assertTrue(turns >= 16 && turns <= 64, "turns=" + turns);
        }
    }

    @Test
    void shouldLimitWindowWhenThereAreMoreSegmentsThanOneCallTakes() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 4096, true)) {
            long data = f.data(pattern(0, 4096));
            for (int i = 0; i < 4096; i++) {
                f.driver.addReadable(data + i, 1, i);
            }
            f.driver.publish();
            byte[] all = new byte[4096];
            int at = 0;
            int rounds = 0;
            while (at < all.length) {
                f.queue.walkReadable();
                assertTrue(f.queue.segments().segments() <= IoVector.MAX_SEGMENTS_PER_CALL);
                byte[] window = f.window();
                System.arraycopy(window, 0, all, at, window.length);
                at += window.length;
                f.queue.consume(window.length);
                rounds++;
            }
            assertEquals(4, rounds);
            assertArrayEquals(pattern(0, 4096), all);
        }
    }

    @Test
    void shouldHoldWholeChainWhenItAloneHasMoreSegmentsThanOneCallTakes() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 4096, true)) {
            long data = f.data(pattern(0, 3000));
            for (int i = 0; i < 3000; i++) {
                f.driver.readable(data + i, 1);
            }
            f.driver.submit(0);
            f.driver.publish();

            f.queue.walkReadable();

            assertArrayEquals(pattern(0, 3000), f.window());
            f.queue.consume(1500);
            f.queue.publish();
            assertFalse(f.driver.poll());
            f.queue.consume(1500);
            f.queue.publish();
            assertTrue(f.driver.poll());
        }
    }

    @Test
    void shouldGiveWindowBackWhenRewound() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            f.driver.addReadable(f.data(pattern(0, 10)), 10, 0);
            f.driver.addReadable(f.data(pattern(10, 10)), 10, 1);
            f.driver.addReadable(f.data(pattern(20, 10)), 10, 2);
            f.driver.publish();
            f.queue.walkReadable();
            f.queue.consume(14);

            HeldPosition held = f.queue.rewind();

            assertEquals(new HeldPosition(f.baseAfter(1, 1), 4), held);
            assertEquals(f.baseAfter(1, 1), f.queue.base());
            assertEquals(0, f.queue.windowChains());
        }
    }

    @Test
    void shouldSkipWhatWasConsumedWhenRestartedAtHeldPosition() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            f.driver.addReadable(f.data(pattern(0, 10)), 10, 0);
            f.driver.addReadable(f.data(pattern(10, 10)), 10, 1);
            f.driver.publish();
            f.queue.walkReadable();
            f.queue.consume(14);
            f.queue.publish();

            f.restart();
            f.queue.walkReadable();

            assertArrayEquals(pattern(14, 6), f.window());
        }
    }

    @Test
    void shouldShowEmptyChainWhenRestartedBeforeAnythingElseIsReturned() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            f.driver.addWritable(f.data(4), 0, 1);
            f.driver.addWritable(f.data(4), 4, 2);
            f.driver.publish();
            f.queue.walkWritable(8);
            f.restart();
            f.queue.walkWritable(8);
            f.fillWindow(pattern(0, 4));
            f.queue.publish();
            assertTrue(f.driver.poll());
            assertEquals(1, f.driver.usedToken());
            assertTrue(f.driver.poll());
            assertEquals(4, f.driver.usedBytes());
        }
    }

    @Test
    void shouldKeepHeldPositionWhenRestartedTwiceWithoutWork() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            f.driver.addReadable(f.data(pattern(0, 10)), 10, 0);
            f.driver.publish();
            f.queue.walkReadable();
            f.queue.consume(4);

            f.restart();
            f.restart();
            f.queue.walkReadable();

            assertArrayEquals(pattern(4, 6), f.window());
        }
    }

    @Test
    void shouldIgnoreHeldPositionWhenTheRingIsElsewhere() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            f.driver.addReadable(f.data(pattern(0, 10)), 10, 0);
            f.driver.publish();
            f.queue.resumeAt(new HeldPosition(5, 4));

            f.queue.walkReadable();

            assertArrayEquals(pattern(0, 10), f.window());
        }
    }

    @Test
    void shouldTakeChainsAgainWhenBaseIsAheadOfUsed() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            f.driver.addReadable(f.data(pattern(0, 10)), 10, 0);
            f.driver.addReadable(f.data(pattern(10, 10)), 10, 1);
            f.driver.publish();
            f.queue.walkReadable();
            f.queue.consume(10);
            f.queue.publish();
            f.queue.close();

            f.queue = f.newQueue(f.baseAfter(2, 1), true); // as Cloud Hypervisor does after a crash: the avail index
            f.queue.walkReadable();

            assertArrayEquals(pattern(10, 10), f.window());
        }
    }

    @Test
    void shouldCallOncePerBatchWhenDriverWantsCalls() throws Exception {
        for (boolean eventIdx : new boolean[] {true, false}) {
            try (QueueFixture f = new QueueFixture(format, 8, eventIdx)) {
                for (int i = 0; i < 5; i++) {
                    f.driver.addReadable(f.data(1), 1, i);
                }
                f.driver.publish();
                f.driver.enableCalls();
                f.queue.walkReadable();
                f.queue.consume(5);
                f.queue.publish();
                f.queue.publish();
                assertEquals(1, f.calls);
            }
        }
    }

    @Test
    void shouldCallOnceWhenPartsWerePublishedBefore() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            fillable(f, 4);
            f.queue.fill(2);
            f.queue.publishPart();
            assertTrue(f.driver.poll());
            assertTrue(f.driver.poll());
            assertFalse(f.driver.poll());
            assertEquals(0, f.calls);
            f.queue.fill(1);
            f.queue.publish();
            assertTrue(f.driver.poll());
            assertEquals(1, f.calls);
            f.queue.publish();
            f.queue.rewind();
            assertEquals(1, f.calls);
        }
    }

    @Test
    void shouldCallAtTheChainWhenItWasShownInAPartBefore() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 16, true)) {
            moveOne(f);
            int before = f.calls;
            fillable(f, 4);
            assertFalse(f.driver.enableCallsAfter(1));
            f.queue.fill(2);
            f.queue.publishPart();
            f.queue.fill(1);
            f.queue.publish(); // the one that was named is further back than this
            assertEquals(before + 1, f.calls);
        }
    }

    @Test
    void shouldCallWhenHalfOfTheRingIsPublishedInParts() throws Exception {
        for (boolean eventIdx : new boolean[] {true, false}) {
            try (QueueFixture f = new QueueFixture(format, 8, eventIdx)) {
                fillable(f, 8);
                f.queue.fill(3);
                f.queue.publishPart();
                assertEquals(0, f.calls);
                f.queue.fill(1);
                f.queue.publishPart();
                assertEquals(1, f.calls);
            }
        }
    }

    @Test
    void shouldCallWhenRingStopsAndACallIsOwed() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            fillable(f, 4);
            f.queue.fill(2);
            f.queue.publishPart();
            f.queue.rewind();
            f.queue.rewind();
            assertEquals(1, f.calls);
        }
    }

    /** A window of buffers of one byte, and a driver that wants to be called. */
    private static void fillable(QueueFixture f, int buffers) {
        for (int i = 0; i < buffers; i++) {
            f.driver.addWritable(f.data(1), 1, i);
        }
        f.driver.publish();
        f.driver.enableCalls();
        f.queue.walkWritable(buffers);
        assertEquals(buffers, f.queue.windowChains());
    }

    @Test
    void shouldNotCallWhenDriverDisabledCalls() throws Exception {
        for (boolean eventIdx : new boolean[] {true, false}) {
            try (QueueFixture f = new QueueFixture(format, 8, eventIdx)) {
                moveOne(f); // the first call after a start is unconditional with EVENT_IDX
                int before = f.calls;
                f.driver.disableCalls();
                moveOne(f);
                moveOne(f);
                assertEquals(before, f.calls);
            }
        }
    }

    @Test
    void shouldCallFirstTimeWhenRingWasRestarted() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            moveOne(f);
            f.setUsedEvent(f.baseAfter(0, 0)); // behind
            moveOne(f);
            assertEquals(1, f.calls);
            f.restart();
            moveOne(f);
            assertEquals(2, f.calls);
        }
    }

    @Test
    void shouldCallAtTheChainWhenDriverNamedOneFurtherOn() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 16, true)) {
            moveOne(f);
            int before = f.calls;
            for (int i = 0; i < 4; i++) {
                f.driver.addReadable(f.data(1), 1, i);
            }
            f.driver.publish();
            assertFalse(f.driver.enableCallsAfter(3));
            f.queue.walkReadable();
            f.queue.consume(2);
            f.queue.publish();
            assertEquals(before, f.calls);
            f.queue.consume(1);
            f.queue.publish();
            assertEquals(before + 1, f.calls);
            assertTrue(f.driver.enableCallsAfter(3));
        }
    }

    private static void moveOne(QueueFixture f) {
        f.driver.addReadable(DriverMemory.DEFAULT_GUEST_ADDRESS, 1, 0);
        f.driver.publish();
        f.queue.walkReadable();
        f.queue.consume(1);
        f.queue.publish();
        assertTrue(f.driver.poll());
    }

    @Test
    void shouldWantKickOnlyWhenKicksAreEnabled() throws Exception {
        for (boolean eventIdx : new boolean[] {true, false}) {
            try (QueueFixture f = new QueueFixture(format, 8, eventIdx)) {
                assertFalse(f.queue.enableKicks());
                f.driver.addReadable(f.data(1), 1, 0);
                assertTrue(f.driver.publish());
                f.queue.disableKicks();
                f.driver.addReadable(f.data(1), 1, 1);
                assertFalse(f.driver.publish());
            }
        }
    }

    @Test
    void shouldReportChainWhenItCameBeforeKicksWereEnabled() throws Exception {
        for (boolean eventIdx : new boolean[] {true, false}) {
            try (QueueFixture f = new QueueFixture(format, 8, eventIdx)) {
                moveOne(f);
                f.queue.disableKicks();
                f.driver.addReadable(f.data(1), 1, 0);
                assertFalse(f.driver.publish()); // no kick for it ...
                assertTrue(f.queue.enableKicks()); // ... so enabling must tell
            }
        }
    }

    @Test
    void shouldReportUsedChainWhenItCameBeforeCallsWereEnabled() throws Exception {
        for (boolean eventIdx : new boolean[] {true, false}) {
            try (QueueFixture f = new QueueFixture(format, 8, eventIdx)) {
                moveOne(f);
                f.driver.disableCalls();
                f.driver.addReadable(f.data(1), 1, 0);
                f.driver.publish();
                f.queue.walkReadable();
                f.queue.consume(1);
                f.queue.publish();
                assertTrue(f.driver.enableCalls());
            }
        }
    }

    @Test
    void shouldDrainEverythingWhenConsumerTakesAll() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, false)) {
            for (int i = 0; i < 8; i++) {
                f.driver.addReadable(f.data(3), 3, i);
            }
            f.driver.publish();
            assertEquals(VirtQueue.Drained.IDLE, f.queue.drain(VirtQueueTest::takeAll));
            assertEquals(8, f.driver.returned());
        }
    }

    @Test
    void shouldLeaveKicksOffWhenConsumerIsBlocked() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, false)) {
            f.driver.addReadable(f.data(3), 3, 0);
            f.driver.publish();
            VirtQueue.Drained drained = f.queue.drain(queue -> {
                queue.consume(1);
                return false;
            });
            assertEquals(VirtQueue.Drained.BLOCKED, drained);
            assertEquals(2, f.queue.segments().bytes());
            f.driver.addReadable(f.data(3), 3, 0);
            assertFalse(f.driver.publish(), "kick wanted");
        }
    }

    @Test
    void shouldSeeChainsAddedByConsumerWhenDraining() throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            List<Long> taken = new ArrayList<>();
            f.driver.addReadable(f.data(3), 3, 0);
            f.driver.publish();
            VirtQueue.Drained drained = f.queue.drain(queue -> {
                taken.add(queue.segments().bytes());
                if (taken.size() < 4) {
                    f.driver.addReadable(f.data(3), 3, taken.size());
                    f.driver.publish();
                }
                return takeAll(queue);
            });
            assertEquals(VirtQueue.Drained.IDLE, drained);
            assertEquals(List.of(3L, 3L, 3L, 3L), taken);
        }
    }

    private static boolean takeAll(VirtQueue queue) {
        queue.consume(queue.segments().bytes());
        return true;
    }
}
