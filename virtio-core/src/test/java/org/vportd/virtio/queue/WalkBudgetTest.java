package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.PosixException;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.SplitDriver;
import org.vportd.virtio.memory.GuestMemory;

/** What one turn may cost, whatever the driver puts into its ring. */
@Timeout(30)
class WalkBudgetTest {
    private static final int SIZE = 1024;
    private static final int CHAINS_PER_TURN = 128; // of SIZE descriptors each

    @Test
    @DisplayName("SEC-82: a ring full of long chains of nothing takes many short turns, not one long one")
    void shouldEndTurnWhenLongEmptyChainsAreOfferedAgainAndAgain() throws PosixException {
        try (DriverMemory memory = DriverMemory.open(4 << 20);
                GuestMemory guest = memory.mapForDevice()) {
            SplitDriver driver = new SplitDriver(memory, SIZE, 0, 0);
            offerTheSameChainEverywhere(memory, driver);
            QueueConfig config = new QueueConfig(
                    SIZE,
                    guest.guestRange(driver.descriptorAddress(), 1),
                    guest.guestRange(driver.availAddress(), 1),
                    guest.guestRange(driver.usedAddress(), 1),
                    0,
                    new RingFeatures(false, false, false, false));
            try (SplitQueue queue = new SplitQueue(config, guest, () -> {})) {
                VirtQueue.Consumer none = window -> true;
                assertEquals(VirtQueue.Drained.MORE, queue.drain(none));
                int first = usedIndex(memory, driver);
                assertTrue(first > 0 && first <= CHAINS_PER_TURN + SIZE / 32, "chains in one turn: " + first);
                int turns = 1;
                while (queue.drain(none) == VirtQueue.Drained.MORE) {
                    turns++;
                }
                assertEquals(SIZE, usedIndex(memory, driver));
                assertTrue(turns >= SIZE / CHAINS_PER_TURN - 2, "turns: " + turns);
            }
        }
    }

    private static void offerTheSameChainEverywhere(DriverMemory memory, SplitDriver driver) {
        long descriptors = memory.hostAddress(driver.descriptorAddress());
        long avail = memory.hostAddress(driver.availAddress());
        for (int i = 0; i < SIZE; i++) {
            long descriptor = descriptors + (long) i * SplitLayout.DESC_LENGTH;
            boolean last = i == SIZE - 1;
            LittleEndian.putLong(descriptor, 0);
            LittleEndian.putInt(descriptor + SplitLayout.DESC_LEN_OFFSET, 0);
            LittleEndian.putU16(descriptor + SplitLayout.DESC_FLAGS_OFFSET, last ? 0 : SplitLayout.VIRTQ_DESC_F_NEXT);
            LittleEndian.putU16(descriptor + SplitLayout.DESC_NEXT_OFFSET, last ? 0 : i + 1);
            LittleEndian.putU16(avail + SplitLayout.RING_OFFSET + (long) i * SplitLayout.AVAIL_ELEM_LENGTH, 0);
        }
        LittleEndian.putU16(avail + SplitLayout.IDX_OFFSET, SIZE);
    }

    private static int usedIndex(DriverMemory memory, SplitDriver driver) {
        return LittleEndian.getU16(memory.hostAddress(driver.usedAddress()) + SplitLayout.IDX_OFFSET);
    }
}
