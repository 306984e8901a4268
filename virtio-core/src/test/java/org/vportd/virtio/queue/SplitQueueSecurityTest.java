package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.vportd.virtio.queue.QueueFixture.INDIRECT;
import static org.vportd.virtio.queue.QueueFixture.NEXT;
import static org.vportd.virtio.queue.QueueFixture.pattern;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a hostile driver can do to a split ring alone; the rest is in {@link VirtQueueSecurityTest}. The ids are those of the project's list of hostile input. */
class SplitQueueSecurityTest {
    private static final int SIZE = 8;

    private static QueueFixture open() throws Exception {
        return new QueueFixture(RingFormat.SPLIT, SIZE, true);
    }

    private static void assertFault(QueueFixture f) {
        assertThrows(DriverFaultException.class, f.queue::walkReadable);
        assertEquals(0, f.usedIdx(), "nothing is returned");
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE + 1, 1000, 0x8000, 0xffff})
    @DisplayName("SEC-70 avail.idx jumps by more than the ring, also backwards")
    void shouldFaultWhenAvailIndexJumps(int index) throws Exception {
        try (QueueFixture f = open()) {
            f.split().setAvailIdx(index);
            assertFault(f);
        }
    }

    @Test
    @DisplayName("SEC-70 avail.idx goes back after chains were taken")
    void shouldFaultWhenAvailIndexGoesBack() throws Exception {
        try (QueueFixture f = open()) {
            f.descriptor(0, f.data(1), 1, 0, 0);
            f.offer(0);
            f.offer(0);
            f.queue.walkReadable();
            f.split().setAvailIdx(1);
            assertThrows(DriverFaultException.class, f.queue::walkReadable);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE, 0x7fff, 0xffff})
    @DisplayName("SEC-71 head out of range")
    void shouldFaultWhenHeadIsOutOfRange(int head) throws Exception {
        try (QueueFixture f = open()) {
            f.offer(head);
            assertFault(f);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE, 0x7fff, 0xffff})
    @DisplayName("SEC-71 next out of range")
    void shouldFaultWhenNextIsOutOfRange(int next) throws Exception {
        try (QueueFixture f = open()) {
            f.descriptor(0, f.data(1), 1, NEXT, next);
            f.offer(0);
            assertFault(f);
        }
    }

    @Test
    @DisplayName("SEC-71 next out of range of an indirect table")
    void shouldFaultWhenNextIsOutOfTable() throws Exception {
        try (QueueFixture f = open()) {
            long table = f.data(32);
            f.tableEntry(table, 0, f.data(1), 1, NEXT, 2);
            f.descriptor(0, table, 32, INDIRECT, 0);
            f.offer(0);
            assertFault(f);
        }
    }

    @Test
    @DisplayName("SEC-72 loop in an indirect table")
    void shouldFaultWhenTableLoops() throws Exception {
        try (QueueFixture f = open()) {
            long table = f.data(64);
            long data = f.data(1);
            for (int i = 0; i < 4; i++) {
                f.tableEntry(table, i, data, 1, NEXT, (i + 1) % 4);
            }
            f.descriptor(0, table, 64, INDIRECT, 0);
            f.offer(0);
            assertFault(f);
        }
    }

    @Test
    @DisplayName("SEC-85 the same descriptor several times")
    void shouldTakeEachWhenDescriptorIsOfferedSeveralTimes() throws Exception {
        try (QueueFixture f = open()) {
            f.descriptor(3, f.data(pattern(0, 2)), 2, 0, 0);
            for (int i = 0; i < SIZE; i++) {
                f.offer(3);
            }
            f.queue.walkReadable();
            assertEquals(SIZE, f.queue.windowChains());
            f.queue.consume(2 * SIZE);
            f.queue.publish();
            assertEquals(SIZE, f.usedIdx());
            f.split().setAvailIdx(f.split().availIdx() + SIZE + 1);
            assertThrows(DriverFaultException.class, f.queue::walkReadable);
        }
    }
}
