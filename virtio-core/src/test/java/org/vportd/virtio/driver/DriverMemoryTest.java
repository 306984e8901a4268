package org.vportd.virtio.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.Posix;
import org.vportd.virtio.memory.GuestMemory;

class DriverMemoryTest {
    private static final List<DriverMemory.Range> WITH_GAP =
            List.of(new DriverMemory.Range(0x1000, 0x2000), new DriverMemory.Range(0x1_0000_0000L, 0x3000, 0x5000));

    @Test
    void shouldHandOutAlignedRangesWhenAskedTo() throws Exception {
        try (DriverMemory memory = DriverMemory.open(1 << 20)) {
            memory.allocate(3, 1);
            assertEquals(0, memory.allocate(10, 4096) % 4096);
            assertEquals(0, memory.allocate(1, 16) % 16);
        }
    }

    @Test
    void shouldGoOnInNextRegionWhenOneIsUsedUp() throws Exception {
        try (DriverMemory memory = DriverMemory.open(WITH_GAP, true)) {
            assertEquals(0x1000, memory.allocate(0x1800, 16));
            assertEquals(0x1_0000_0000L, memory.allocate(0x1800, 16));
            assertEquals(0x2800, memory.allocate(0x800, 16));
            assertThrows(IllegalStateException.class, () -> memory.allocate(0x2000, 16));
        }
    }

    @Test
    void shouldShareMemoryWhenMappedForADevice() throws Exception {
        try (DriverMemory memory = DriverMemory.open(WITH_GAP, true);
                GuestMemory device = memory.mapForDevice()) {
            for (long address : new long[] {0x1000, 0x2ff8, 0x1_0000_0000L, 0x1_0000_2ff8L}) {
                LittleEndian.putLong(memory.hostAddress(address), address);
                assertEquals(address, LittleEndian.getLong(device.guestRange(address, 8)));
            }
        }
    }

    @Test
    void shouldThrowWhenAddressIsInAGap() throws Exception {
        try (DriverMemory memory = DriverMemory.open(WITH_GAP, true)) {
            assertThrows(IllegalArgumentException.class, () -> memory.hostAddress(0x3000));
            assertThrows(IllegalArgumentException.class, () -> memory.hostAddress(0xfff));
        }
    }

    @Test
    void shouldSealFilesOnlyWhenAskedTo() throws Exception {
        try (DriverMemory sealed = DriverMemory.open(WITH_GAP, true);
                DriverMemory open = DriverMemory.open(WITH_GAP, false)) {
            assertTrue(Posix.isShrinkSealed(sealed.regions().get(0).file()));
            assertFalse(Posix.isShrinkSealed(open.regions().get(0).file()));
        }
    }
}
