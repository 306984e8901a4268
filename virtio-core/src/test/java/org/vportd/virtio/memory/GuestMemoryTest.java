package org.vportd.virtio.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.posix.Fd;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

class GuestMemoryTest {
    private static final long USER = 0x7f00_0000_0000L;

    private GuestMemory memory;
    private Fd file;

    @BeforeEach
    void open() throws PosixException {
        memory = new GuestMemory();
        file = Posix.memoryFile("test", 0x10000);
    }

    @AfterEach
    void close() {
        memory.close();
        file.close();
    }

    private MappedMemory mapping() throws PosixException {
        return MappedMemory.map(file, 0, 0x1000);
    }

    private void add(long guest, long user, long size) throws PosixException {
        MappedMemory mapping = mapping();
        try {
            memory.add(new MemoryRegion(guest, user, size, mapping));
        } catch (IllegalArgumentException e) {
            mapping.close();
            throw e;
        }
    }

    @ParameterizedTest
    @CsvSource({"4096, 1", "4095, 2", "8191, 1", "0, 4097", "0, 16384", "5000, 10"})
    void shouldRefuseRegionWhenGuestRangesOverlap(long guest, long size) throws Exception {
        add(0x1000, USER, 0x1000);
        assertThrows(IllegalArgumentException.class, () -> add(guest, USER + 0x10_0000, size));
        assertEquals(1, memory.size());
    }

    @Test
    void shouldRefuseRegionWhenUserRangesOverlap() throws Exception {
        add(0x1000, USER, 0x1000);
        assertThrows(IllegalArgumentException.class, () -> add(0x10_0000, USER + 0xfff, 0x1000));
    }

    @Test
    void shouldAcceptRegionsWhenTheyTouch() throws Exception {
        add(0x2000, USER + 0x1000, 0x1000);
        add(0x1000, USER, 0x1000);
        add(0x3000, USER + 0x2000, 0x1000);
        assertEquals(3, memory.size());
    }

    @ParameterizedTest
    @CsvSource({"-1, 0, 2", "0, -1, 2", "-4096, 0, 4097", "0, 0, 0", "0, 0, -9223372036854775808", "0, 0, -1"})
    void shouldRefuseRegionWhenItIsEmptyOrWraps(long guest, long user, long size) throws Exception {
        assertThrows(IllegalArgumentException.class, () -> add(guest, user, size));
    }

    @Test
    void shouldFindLastByteWhenRegionEndsAtTheTop() throws Exception {
        add(-0x1000, USER, 0x1000);
        assertNotEquals(GuestMemory.UNMAPPED, memory.guestRange(-1, 1));
        assertEquals(GuestMemory.UNMAPPED, memory.guestRange(-1, 2));
        assertEquals(GuestMemory.UNMAPPED, memory.guestRange(-1, -1));
    }

    @Test
    void shouldNotTranslateRangeWhenItStraddlesRegions() throws Exception {
        add(0x1000, USER, 0x1000);
        add(0x2000, USER + 0x1000, 0x1000);
        assertEquals(GuestMemory.UNMAPPED, memory.guestRange(0x1fff, 2));
        assertEquals(GuestMemory.UNMAPPED, memory.userRange(USER + 0xfff, 2));
        assertNotEquals(GuestMemory.UNMAPPED, memory.guestRange(0x1fff, 1));
        assertNotEquals(GuestMemory.UNMAPPED, memory.userRange(USER + 0xfff, 1));
        assertEquals(1, memory.bytesLeft(memory.regionOf(0x1fff), 0x1fff));
    }

    @Test
    void shouldTranslateToTheSameByteWhenAskedByEitherAddress() throws Exception {
        add(0x1000, USER, 0x1000);
        LittleEndian.putInt(memory.guestRange(0x1234, 4), 42);
        assertEquals(42, LittleEndian.getInt(memory.userRange(USER + 0x234, 4)));
    }

    @Test
    void shouldRemoveRegionOnlyWhenAllValuesMatch() throws Exception {
        add(0x1000, USER, 0x1000);
        assertNull(memory.remove(0x1000, USER, 0xfff));
        assertNull(memory.remove(0x1000, USER + 1, 0x1000));
        MemoryRegion removed = memory.remove(0x1000, USER, 0x1000);
        assertNotNull(removed);
        removed.close();
        assertEquals(GuestMemory.NO_REGION, memory.regionOf(0x1000));
    }

    @Test
    void shouldHoldOnlyTheNewRegionsWhenReplaced() throws Exception {
        add(0x1000, USER, 0x1000);
        GuestMemory other = new GuestMemory();
        other.add(new MemoryRegion(0x5000, USER, 0x1000, mapping()));

        memory.replaceWith(other);

        assertEquals(GuestMemory.NO_REGION, memory.regionOf(0x1000));
        assertNotEquals(GuestMemory.UNMAPPED, memory.guestRange(0x5000, 0x1000));
        assertEquals(0, other.size());
        assertEquals(GuestMemory.NO_REGION, other.regionOf(0x5000));
    }
}
