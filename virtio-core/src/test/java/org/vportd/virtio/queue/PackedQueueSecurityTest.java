package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.virtio.queue.PackedLayout.FIRST_BASE;
import static org.vportd.virtio.queue.PackedLayout.FIRST_CURSOR;
import static org.vportd.virtio.queue.PackedLayout.availableFlags;
import static org.vportd.virtio.queue.QueueFixture.INDIRECT;
import static org.vportd.virtio.queue.QueueFixture.NEXT;

import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a hostile driver can do to a packed ring alone; the rest is in {@link VirtQueueSecurityTest}. */
class PackedQueueSecurityTest {
    private static final int SIZE = 8;
    private static final int AVAILABLE = availableFlags(FIRST_CURSOR);

    private static QueueFixture open() throws Exception {
        return new QueueFixture(RingFormat.PACKED, SIZE, true);
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE, 0x7fff})
    @DisplayName("SEC-56 base outside of the ring")
    void shouldRefuseBaseWhenItIsOutsideOfTheRing(int offset) throws Exception {
        try (QueueFixture f = open()) {
            for (int base : new int[] {offset, offset << 16, FIRST_BASE | offset, FIRST_BASE | offset << 16}) {
                assertThrows(DriverFaultException.class, () -> f.newQueue(base, true));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, SIZE - 1})
    @DisplayName("SEC-89 a chain without an end, wherever it begins")
    void shouldFaultWhenChainFillsTheRing(int start) throws Exception {
        try (QueueFixture f = open()) {
            long data = f.data(1);
            f.queue.close();
            f.queue = f.newQueue(PackedLayout.base(FIRST_CURSOR | start), true);
            for (int i = 0; i < SIZE; i++) {
                f.packed().put(i, data, 1, i, NEXT | availableFlags(i < start ? 0 : FIRST_CURSOR));
            }
            assertThrows(DriverFaultException.class, f.queue::walkReadable);
        }
    }

    @Test
    @DisplayName("SEC-89 more descriptors than the ring has, since the driver takes back what is in use")
    void shouldFaultWhenRingIsOverfull() throws Exception {
        try (QueueFixture f = open()) {
            long data = f.data(1);
            for (int i = 0; i < SIZE; i++) {
                f.packed().put(i, data, 1, i, AVAILABLE);
            }
            f.queue.walkReadable();
            assertEquals(SIZE, f.queue.windowChains());
            f.packed().put(0, data, 1, 0, availableFlags(0)); // the second round, though nothing was returned
            assertThrows(DriverFaultException.class, f.queue::walkReadable);
        }
    }

    @Test
    @DisplayName("SEC-89 chain that goes on over descriptors in use")
    void shouldFaultWhenChainRunsIntoDescriptorsInUse() throws Exception {
        try (QueueFixture f = open()) {
            long data = f.data(1);
            for (int i = 0; i < 3; i++) {
                f.packed().put(i, data, 1, i, AVAILABLE);
            }
            f.queue.walkReadable();
            for (int i = 3; i < SIZE; i++) {
                f.packed().put(i, data, 1, i, AVAILABLE | NEXT);
            }
            assertThrows(DriverFaultException.class, f.queue::walkReadable);
            assertEquals(PackedLayout.base(FIRST_CURSOR), f.queue.base(), "nothing is returned");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE, 0x7fff, 0xffff})
    @DisplayName("SEC-89 buffer id out of range")
    void shouldReturnIdAsItCameWhenItIsOutOfRange(int id) throws Exception {
        try (QueueFixture f = open()) {
            f.packed().put(0, f.data(1), 1, id, AVAILABLE);
            f.queue.walkReadable();
            f.queue.consume(1);
            f.queue.publish();
            assertEquals(id, f.packed().id(0));
            assertTrue(PackedLayout.isUsed(f.packed().flags(0), FIRST_CURSOR));
        }
    }

    @Test
    @DisplayName("SEC-85 SEC-89 the same buffer id several times")
    void shouldReturnEachWhenIdIsInUseTwice() throws Exception {
        try (QueueFixture f = open()) {
            long data = f.data(2);
            for (int i = 0; i < SIZE; i++) {
                f.packed().put(i, data, 2, 3, AVAILABLE);
            }
            f.queue.walkReadable();
            f.queue.consume(2 * SIZE);
            f.queue.publish();
            for (int i = 0; i < SIZE; i++) {
                assertEquals(3, f.packed().id(i));
                assertTrue(PackedLayout.isUsed(f.packed().flags(i), FIRST_CURSOR));
            }
        }
    }

    @Test
    @DisplayName("SEC-89 flags that fit neither round")
    void shouldTakeNothingWhenFlagsAreInconsistent() throws Exception {
        try (QueueFixture f = open()) {
            for (int flags : new int[] {0, availableFlags(0), PackedLayout.usedFlags(FIRST_CURSOR)}) {
                f.packed().put(0, f.data(1), 1, 0, flags);
                f.queue.walkReadable();
                assertEquals(0, f.queue.windowChains());
                assertFalse(f.queue.enableKicks());
            }
        }
    }

    @Test
    @DisplayName("SEC-81 flags that change after the descriptor was found available are those that were found")
    void shouldUseTheFlagsItHasSeenWhenTheyChangeMeanwhile() throws Exception {
        try (QueueFixture f = open()) {
            f.packed().put(0, f.data(4), 4, 0, AVAILABLE);
            assertTrue(f.queue.hasAvailable());
            f.packed().putFlags(0, NEXT | INDIRECT);
            f.queue.walkReadable();
            assertEquals(1, f.queue.windowChains());
            assertEquals(4, f.queue.segments().bytes());
        }
    }

    @Test
    @DisplayName("SEC-74 indirect descriptor in a chain")
    void shouldFaultWhenIndirectDescriptorFollowsAnother() throws Exception {
        try (QueueFixture f = open()) {
            long table = f.data(16);
            f.tableEntry(table, 0, f.data(1), 1, 0, 0);
            f.descriptor(0, f.data(1), 1, NEXT, 1);
            f.descriptor(1, table, 16, INDIRECT, 0);
            f.offer(0);
            assertThrows(DriverFaultException.class, f.queue::walkReadable);
        }
    }

    @Test
    @DisplayName("SEC-84 games with the driver's event suppression")
    void shouldKeepItsStateWhenDriverEventIsNonsense() throws Exception {
        try (QueueFixture f = open()) {
            SplittableRandom random = new SplittableRandom(84);
            f.descriptor(0, f.data(1), 1, 0, 0);
            for (int i = 1; i <= 1000; i++) {
                f.packed().setDriverEvent(random.nextInt());
                f.offer(0);
                f.queue.walkReadable();
                f.queue.consume(1);
                f.queue.publish();
                assertEquals(i, f.usedIdx());
            }
            assertTrue(f.calls > 0 && f.calls < 1000, "calls=" + f.calls);
        }
    }
}
