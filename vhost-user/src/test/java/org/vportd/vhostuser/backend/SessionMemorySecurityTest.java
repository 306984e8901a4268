package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.zeros;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.RegionDescription;
import org.vportd.virtio.driver.DriverMemory;

/** Memory tables that cannot be, or that take away what rings lie in. */
@Timeout(60)
class SessionMemorySecurityTest {
    private static final long PAGE = 4096;
    private static final long MAX = 0xffff_ffff_ffff_f000L;

    private BackendRig rig;
    private RawFrontend frontend;
    private TestGuest guest;

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig();
        frontend = rig.connectAndNegotiate();
        guest = rig.guest(1);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private static Consumer<ByteBuffer> table(int count, RegionDescription... regions) {
        return payload -> {
            payload.putInt(count).putInt(0);
            Arrays.asList(regions).forEach(region -> region.encode(payload));
        };
    }

    private Fd[] files(int count) {
        Fd[] files = new Fd[count];
        Arrays.fill(files, guest.file());
        return files;
    }

    private Fd memoryFile(long bytes) throws PosixException {
        return rig.own(Posix.memoryFile("test", bytes));
    }

    /** The ring runs and works. */
    private void assertRunning(String text) throws Exception {
        String before = rig.device.text(0);
        guest.ring(0).write(text);
        rig.settle();
        assertEquals(before + text, rig.device.text(0));
        assertTrue(guest.ring(0).takeUsed() > 0);
    }

    @DisplayName("SEC-30")
    @Test
    void shouldKeepOldTableWhenCountIsWrong() throws Exception {
        frontend.run(guest);
        RegionDescription region = guest.region();
        for (int count : new int[] {0, 2, 9, 127, 128, -1, Integer.MIN_VALUE, 0x0100_0001}) {
            frontend.refused(FrontendRequest.SET_MEM_TABLE, table(count, region), guest.file());
        }
        frontend.refused(FrontendRequest.SET_MEM_TABLE, table(1, region), files(2));
        frontend.refused(FrontendRequest.SET_MEM_TABLE, table(1, region));
        frontend.refused(FrontendRequest.SET_MEM_TABLE, table(0), guest.file());
        RegionDescription[] nine = new RegionDescription[9];
        Arrays.setAll(nine, i -> new RegionDescription(i * PAGE, PAGE, i * PAGE, 0));
        frontend.refused(FrontendRequest.SET_MEM_TABLE, table(9, nine), files(10));
        frontend.refused(FrontendRequest.SET_MEM_TABLE, table(9, nine), files(8));
        assertRunning("still the old table");
    }

    @DisplayName("as many regions as a message holds; none of a file that cannot get shorter keeps a descriptor")
    @ParameterizedTest
    @ValueSource(ints = {9, 32, 127})
    void shouldTakeManyRegionsAtOnce(int count) throws Exception {
        frontend.run(guest);
        OpenResources before = OpenResources.now();
        RegionDescription whole = guest.region();
        long part = whole.sizeBytes() / 2 / (count - 1) & -PAGE;
        RegionDescription[] many = new RegionDescription[count];
        Arrays.setAll(
                many,
                i -> i == 0
                        ? new RegionDescription(whole.guestAddress(), whole.sizeBytes() / 2, whole.userAddress(), 0)
                        : new RegionDescription(
                                whole.guestAddress() + whole.sizeBytes() + i * part,
                                part,
                                whole.userAddress() + whole.sizeBytes() + i * part,
                                whole.sizeBytes() / 2));
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, table(count, many), files(count));
        OpenResources now = OpenResources.now();
        assertEquals(before.descriptors(), now.descriptors());
        assertRunning("among many");
    }

    @DisplayName("SEC-31, SEC-32, SEC-33: sizes, overflows, ends of files")
    @ParameterizedTest
    @CsvSource({
        "0,0,0,0", // empty
        "0,0x8000000000000000,0,0", // half of all there is
        "0,0xffffffffffffffff,0,0",
        "0xfffffffffffff000,0x2000,0,0", // guest addresses run out
        "0,0x2000,0xfffffffffffff000,0", // user addresses run out
        "0,0x1000,0,0xfffffffffffff000", // offsets run out
        "0,0x1000,0,0x7ffffffffffff800",
        "0,0x1000,0,0x8000000000000000",
        "0,0x100001,0,0", // a byte more than the file has
        "0,0x1000,0,0xff001",
        "0,0x1000,0,0x100000", // behind the file
        "0,0x1000,0,0x40000000000",
    })
    void shouldRefuseRegionThatCannotBe(String guestAddress, String size, String user, String offset) throws Exception {
        RegionDescription region = new RegionDescription(parse(guestAddress), parse(size), parse(user), parse(offset));
        frontend.refused(FrontendRequest.SET_MEM_TABLE, table(1, region), guest.file());
        frontend.refused(FrontendRequest.ADD_MEM_REG, region::encodeSingle, guest.file());
        frontend.run(guest);
        assertRunning("after that");
    }

    private static long parse(String text) {
        return text.startsWith("0x") ? Long.parseUnsignedLong(text.substring(2), 16) : Long.parseLong(text);
    }

    @DisplayName("SEC-31: a size that is no multiple of a page is exact")
    @Test
    void shouldCheckBoundsExactlyWhenSizeIsNoMultipleOfPage() throws Exception {
        TestGuest.Ring ring = guest.ring(0);
        RegionDescription whole = guest.region();
        long end = ring.where().usedAddress() + 4 + 8 * TestGuest.RING_SIZE - whole.userAddress();
        frontend.accepted(
                FrontendRequest.ADD_MEM_REG,
                new RegionDescription(whole.guestAddress(), end - 1, whole.userAddress(), 0)::encodeSingle,
                guest.file());
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        frontend.refused(FrontendRequest.SET_VRING_ADDR, ring.address());
        frontend.accepted(
                FrontendRequest.SET_MEM_TABLE,
                table(1, new RegionDescription(whole.guestAddress(), end, whole.userAddress(), 0)),
                guest.file());
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, ring.address());
    }

    @DisplayName("SEC-32: the last page of the address space is no overflow")
    @Test
    void shouldMapRegionThatEndsWhereAddressesEnd() throws Exception {
        RegionDescription last = new RegionDescription(MAX, PAGE, MAX, 0);
        frontend.acknowledgement(FrontendRequest.ADD_MEM_REG, last::encodeSingle, guest.file());
        frontend.acknowledgement(FrontendRequest.REM_MEM_REG, last::encodeSingle);
        frontend.run(guest);
        assertRunning("fine");
    }

    @DisplayName("SEC-34, SEC-35")
    @ParameterizedTest
    @CsvSource({
        "0x0000,0x3000",
        "0x1000,0x3000",
        "-0x1000,0x3000",
        "0x3000,0x0000",
        "0x3000,0x1000",
        "0x3000,-0x1000",
    })
    void shouldRefuseRegionsThatOverlap(String guestDistance, String userDistance) throws Exception {
        RegionDescription first = new RegionDescription(0x10_0000, 2 * PAGE, 0x7000_0000, 0);
        RegionDescription second = new RegionDescription(
                0x10_0000 + Long.decode(guestDistance), 2 * PAGE, 0x7000_0000 + Long.decode(userDistance), 0);
        frontend.refused(FrontendRequest.SET_MEM_TABLE, table(2, first, second), files(2));
        frontend.accepted(FrontendRequest.ADD_MEM_REG, first::encodeSingle, guest.file());
        frontend.refused(FrontendRequest.ADD_MEM_REG, second::encodeSingle, guest.file());
    }

    @DisplayName("SEC-37: other contents of the file are other contents of the memory")
    @Test
    void shouldBreakRingWhenItsContentsAreReplaced() throws Exception {
        frontend.run(guest);
        long descriptors = guest.memory.hostAddress(guest.ring(0).driver.descriptorAddress());
        guest.ring(0).put("never read");
        NativeMemory.put(new byte[16], 0, descriptors, 16);
        NativeMemory.putInt(descriptors + 8, 16); // 16 bytes at address 0
        guest.ring(0).kick.signal();
        rig.settle();
        assertFalse(rig.device.isRunning(0));
        frontend.assertServed();
    }

    @DisplayName("SEC-38")
    @Test
    void shouldRefuseMoreRegionsThanAnnounced() throws Exception {
        Fd file = memoryFile(PAGE);
        for (int i = 0; i < SessionMemory.MAX_SLOTS; i++) {
            frontend.accepted(FrontendRequest.ADD_MEM_REG, slot(i)::encodeSingle, file);
        }
        frontend.refused(FrontendRequest.ADD_MEM_REG, slot(SessionMemory.MAX_SLOTS)::encodeSingle, file);
        frontend.accepted(FrontendRequest.REM_MEM_REG, slot(7)::encodeSingle);
        frontend.accepted(FrontendRequest.ADD_MEM_REG, slot(SessionMemory.MAX_SLOTS)::encodeSingle, file);
    }

    private static RegionDescription slot(int index) {
        return new RegionDescription(index * PAGE, PAGE, index * PAGE, 0);
    }

    @DisplayName("SEC-38")
    @Test
    void shouldRefuseSameRegionTwice() throws Exception {
        frontend.accepted(FrontendRequest.ADD_MEM_REG, guest.region()::encodeSingle, guest.file());
        frontend.refused(FrontendRequest.ADD_MEM_REG, guest.region()::encodeSingle, guest.file());
    }

    @DisplayName("SEC-39")
    @Test
    void shouldRefuseToRemoveRegionThatIsNotThere() throws Exception {
        frontend.run(guest);
        RegionDescription there = guest.region();
        for (RegionDescription other : List.of(
                new RegionDescription(there.guestAddress() + PAGE, there.sizeBytes(), there.userAddress(), 0),
                new RegionDescription(there.guestAddress(), there.sizeBytes() - PAGE, there.userAddress(), 0),
                new RegionDescription(there.guestAddress(), there.sizeBytes(), there.userAddress() + PAGE, 0))) {
            frontend.refused(FrontendRequest.REM_MEM_REG, other::encodeSingle);
        }
        frontend.refused(FrontendRequest.REM_MEM_REG, zeros(RegionDescription.SINGLE_LENGTH));
        assertRunning("untouched");
    }

    @DisplayName("SEC-39: the offset is ignored, and so is a descriptor")
    @Test
    void shouldRemoveRegionWhenDescriptorComesAlong() throws Exception {
        OpenResources before = OpenResources.now();
        RegionDescription region = guest.region();
        frontend.accepted(FrontendRequest.ADD_MEM_REG, region::encodeSingle, guest.file());
        RegionDescription same =
                new RegionDescription(region.guestAddress(), region.sizeBytes(), region.userAddress(), 12345);
        frontend.accepted(FrontendRequest.REM_MEM_REG, same::encodeSingle, guest.file());
        assertEquals(before, OpenResources.now());
        frontend.refused(FrontendRequest.REM_MEM_REG, region::encodeSingle);
    }

    @DisplayName("SEC-40: removed and added again while the ring runs")
    @Test
    void shouldPauseRingWhileItsRegionIsAway() throws Exception {
        frontend.accepted(FrontendRequest.ADD_MEM_REG, guest.region()::encodeSingle, guest.file());
        frontend.setUp(guest.ring(0));
        frontend.enable(guest.ring(0), true);
        assertRunning("a");
        for (int i = 0; i < 3; i++) {
            OpenResources with = OpenResources.now();
            frontend.accepted(FrontendRequest.REM_MEM_REG, guest.region()::encodeSingle);
            assertFalse(rig.device.isRunning(0));
            assertEquals(with.mappings() - 1, OpenResources.now().mappings());
            guest.ring(0).write("b");
            rig.settle(); // nothing is touched that is not mapped
            frontend.accepted(FrontendRequest.ADD_MEM_REG, guest.region()::encodeSingle, guest.file());
            assertEquals(with, OpenResources.now());
            assertTrue(rig.device.isRunning(0));
            assertRunning("c");
        }
        assertEquals("abcbcbc", rig.device.text(0));
        assertEquals(7, frontend.stop(0));
    }

    @DisplayName("SEC-40: chains held go back to the ring before their memory goes")
    @Test
    void shouldGiveChainsBackWhenTheirMemoryGoes() throws Exception {
        frontend.run(guest);
        rig.device.hold();
        guest.ring(0).write("held");
        rig.settle();
        frontend.accepted(FrontendRequest.REM_MEM_REG, guest.region()::encodeSingle);
        frontend.accepted(FrontendRequest.ADD_MEM_REG, guest.region()::encodeSingle, guest.file());
        rig.device.letGo();
        assertEquals("held", rig.device.text(0));
    }

    @DisplayName("SEC-40: a region is removed that the ring does not lie in")
    @Test
    void shouldGoOnWhenAnotherRegionIsRemoved() throws Exception {
        frontend.run(guest);
        RegionDescription other = new RegionDescription(0x100_0000, PAGE, 0x1000, 0);
        frontend.accepted(FrontendRequest.ADD_MEM_REG, other::encodeSingle, memoryFile(PAGE));
        assertRunning("a");
        frontend.accepted(FrontendRequest.REM_MEM_REG, other::encodeSingle);
        assertRunning("b");
    }

    @DisplayName("SEC-40: another table while the ring runs")
    @Test
    void shouldFollowTableWhenItIsReplaced() throws Exception {
        frontend.run(guest);
        assertRunning("a");
        RegionDescription elsewhere = new RegionDescription(0x100_0000, PAGE, 0x1000, 0);
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, table(1, elsewhere), memoryFile(PAGE));
        assertFalse(rig.device.isRunning(0));
        guest.ring(0).write("b");
        rig.settle();
        assertEquals("a", rig.device.text(0));
        frontend.accepted(
                FrontendRequest.SET_MEM_TABLE, table(2, elsewhere, guest.region()), memoryFile(PAGE), guest.file());
        assertRunning("c");
        assertEquals("abc", rig.device.text(0));
    }

    @DisplayName("SEC-40: a buffer in a region that has gone")
    @Test
    void shouldBreakRingWhenBufferIsInRegionThatHasGone() throws Exception {
        RegionDescription other = new RegionDescription(0x100_0000, PAGE, 0x1000, 0);
        frontend.run(guest);
        frontend.accepted(FrontendRequest.ADD_MEM_REG, other::encodeSingle, memoryFile(PAGE));
        rig.device.hold();
        guest.ring(0).driver.addReadable(other.guestAddress(), 16, 0);
        guest.ring(0).driver.publish();
        guest.ring(0).kick.signal();
        rig.settle();
        frontend.accepted(FrontendRequest.REM_MEM_REG, other::encodeSingle);
        rig.settle();
        assertFalse(rig.device.isRunning(0));
        assertTrue(guest.ring(0).error.drain() > 0);
        frontend.assertServed();
    }

    @DisplayName("SEC-41")
    @Test
    void shouldRefuseTableThatAddressSpaceHasNoRoomFor() throws Exception {
        frontend.run(guest);
        long huge = 1L << 46;
        Fd file = memoryFile(huge);
        RegionDescription[] regions = new RegionDescription[8];
        Arrays.setAll(regions, i -> new RegionDescription(i * huge, huge, i * huge, 0));
        Fd[] files = new Fd[8];
        Arrays.fill(files, file);
        for (int i = 0; i < 10; i++) {
            frontend.refused(FrontendRequest.SET_MEM_TABLE, table(8, regions), files);
        }
        assertRunning("fine");
    }

    @DisplayName("SEC-42")
    @Test
    void shouldKeepOldTableWhenPartOfNewOneCannotBeMapped() throws Exception {
        frontend.run(guest);
        RegionDescription other = new RegionDescription(0x100_0000, 2 * PAGE, 0x1000, 0);
        frontend.refused(
                FrontendRequest.SET_MEM_TABLE, table(2, guest.region(), other), guest.file(), memoryFile(PAGE));
        frontend.refused(
                FrontendRequest.SET_MEM_TABLE, table(2, other, guest.region()), memoryFile(PAGE), guest.file());
        frontend.refused(
                FrontendRequest.SET_MEM_TABLE,
                table(2, guest.region(), other),
                guest.file(),
                guest.ring(0).kick.fd());
        assertRunning("the old one");
    }

    @DisplayName("SEC-43: offsets need not be aligned")
    @Test
    void shouldServeMemoryAtAnyOffsetOfItsFile() throws Exception {
        DriverMemory memory = DriverMemory.open(List.of(new DriverMemory.Range(0x10_0000, 1 << 18, 0x12_3800)), true);
        try (TestGuest odd = new TestGuest(memory, 1)) {
            frontend.run(odd);
            odd.ring(0).write("odd");
            rig.settle();
            assertEquals("odd", rig.device.text(0));
            frontend.close();
            rig.settle();
        }
    }
}
