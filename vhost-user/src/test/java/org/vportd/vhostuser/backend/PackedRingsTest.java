package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.FEATURES;
import static org.vportd.vhostuser.backend.RawFrontend.u64;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_IN_ORDER;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_RING_PACKED;
import static org.vportd.virtio.VirtioFeature.mask;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.VringAddress;
import org.vportd.virtio.queue.PackedLayout;

/** Packed rings from the front-end's side: their sizes, bases with wrap counters, stops and starts. */
@Timeout(60)
@ParameterizedClass
@ValueSource(booleans = {false, true})
class PackedRingsTest {
    private static final int SIZE = TestGuest.RING_SIZE;

    private final long features;
    private BackendRig rig;
    private RawFrontend frontend;
    private TestGuest guest;
    private TestGuest.Ring ring;

    PackedRingsTest(boolean inOrder) {
        features = mask(VIRTIO_F_RING_PACKED) | (inOrder ? mask(VIRTIO_F_IN_ORDER) : 0);
    }

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig();
        frontend = rig.connectAndNegotiate();
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES | features));
        guest = rig.guest(1, features);
        ring = guest.ring(0);
        rig.device.takeEvents();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private void assertRunning(String text) throws Exception {
        String before = rig.device.text(0);
        ring.write(text);
        rig.settle();
        assertEquals(before + text, rig.device.text(0));
        assertEquals(1, ring.takeUsed());
        assertTrue(ring.takeCall());
    }

    private void startAt(int base) throws Exception {
        frontend.accepted(FrontendRequest.SET_VRING_BASE, ring.state(base));
        frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
    }

    @Test
    void shouldGoOnWhereItStoppedInEveryRound() throws Exception {
        frontend.run(guest);
        int cursor = PackedLayout.FIRST_CURSOR;
        for (int i = 0; i < 3 * SIZE; i++) {
            assertRunning(i + " ");
            cursor = PackedLayout.advance(cursor, 1, SIZE);
            int base = frontend.stop(0);
            assertEquals(PackedLayout.base(cursor), base, () -> Integer.toHexString(base));
            assertFalse(rig.device.isRunning(0));
            startAt(base);
        }
    }

    @Test
    void shouldAnswerCursorsAfterOneRoundWithoutWrapBits() throws Exception {
        frontend.run(guest);
        for (int i = 0; i < SIZE + 2; i++) {
            assertRunning("x");
        }
        assertEquals(0x0002_0002, frontend.stop(0));
    }

    @Test
    void shouldGiveHeldChainsBackWhenStopped() throws Exception {
        frontend.run(guest);
        assertRunning("a");
        rig.device.hold();
        ring.put("b");
        ring.write("c");
        rig.settle();
        int base = frontend.stop(0);
        assertEquals(PackedLayout.base(PackedLayout.FIRST_CURSOR | 1), base);
        rig.device.letGo();
        startAt(base);
        rig.settle();
        assertEquals("abc", rig.device.text(0));
        assertEquals(2, ring.takeUsed());
    }

    @Test
    void shouldTakeChainsAgainWhenAvailableCursorIsAheadOfUsed() throws Exception {
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        frontend.setUp(ring);
        ring.put("a");
        ring.put("b");
        int ahead = PackedLayout.FIRST_CURSOR << 16 | PackedLayout.FIRST_CURSOR | 2;
        frontend.accepted(FrontendRequest.SET_VRING_BASE, ring.state(ahead));
        frontend.enable(ring, true);
        rig.settle();
        assertEquals("ab", rig.device.text(0));
    }

    @Test
    void shouldBeginAtTheFirstDescriptorWhenNoBaseIsGiven() throws Exception {
        assertEquals(0x8000_8000, frontend.stop(0));
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, ring.address());
        frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
        frontend.enable(ring, true);
        assertRunning("x");
        frontend.accepted(FrontendRequest.RESET_DEVICE, RawFrontend.EMPTY);
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES | features));
        assertEquals(0x8000_8000, frontend.stop(0));
    }

    @DisplayName("SEC-56 packed base outside of the ring")
    @ParameterizedTest
    @ValueSource(ints = {0x8000_8008, 0x8008_8000, 0x7fff_8000, 0x8000_ffff})
    void shouldRefuseBaseWhenItIsOutsideOfTheRing(int base) throws Exception {
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        frontend.refused(FrontendRequest.SET_VRING_BASE, ring.state(base));
    }

    @DisplayName("SEC-56 packed base that the ring, shrunk afterwards, does not reach")
    @Test
    void shouldNotStartWhenRingShrinksBelowItsBase() throws Exception {
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        frontend.setUp(ring);
        frontend.accepted(FrontendRequest.SET_VRING_BASE, ring.state(0x8007_8007));
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.state(7));
        frontend.refused(FrontendRequest.SET_VRING_ENABLE, ring.state(1));
        assertFalse(rig.device.isRunning(0));
    }

    @DisplayName("SEC-46 size of a packed ring: any up to 32768")
    @Test
    void shouldTakeSizesThatAreNoPowerOfTwo() throws Exception {
        for (int size : new int[] {1, 3, 100, 32767, 32768}) {
            frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.state(size));
        }
        for (int size : new int[] {0, 32769, 65536, -1}) {
            frontend.refused(FrontendRequest.SET_VRING_NUM, ring.state(size));
        }
    }

    @DisplayName("SEC-46 size that only a packed ring can have, and then the ring is none")
    @Test
    void shouldNotStartWhenSizeDoesNotFitTheFormat() throws Exception {
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        frontend.setUp(ring);
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.state(7));
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES));
        frontend.refused(FrontendRequest.SET_VRING_ENABLE, ring.state(1));
        assertFalse(rig.device.isRunning(0));
    }

    @DisplayName("SEC-47 event suppression misaligned or outside of memory")
    @Test
    void shouldRefuseAddressesThatNoPackedRingCanHave() throws Exception {
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        VringAddress good = ring.where();
        long end = guest.region().userAddress() + guest.region().sizeBytes();
        for (long[] events : new long[][] {
            {good.usedAddress() + 2, good.availAddress()},
            {good.usedAddress(), good.availAddress() + 2},
            {end, good.availAddress()},
            {good.usedAddress(), end}
        }) {
            VringAddress bad = new VringAddress(0, 0, good.descriptorAddress(), events[0], events[1], 0);
            frontend.refused(FrontendRequest.SET_VRING_ADDR, bad::encode);
        }
        VringAddress last = new VringAddress(0, 0, good.descriptorAddress(), end - 4, end - 8, 0); // 4 bytes each do
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, last::encode);
    }

    @DisplayName("SEC-75 SEC-89 a broken packed ring stops alone and names its last good place")
    @Test
    void shouldStopRingWhenDriverBreaksIt() throws Exception {
        frontend.run(guest);
        assertRunning("a");
        ring.driver.addReadable(1, 1, 0); // no memory there
        ring.driver.publish();
        ring.kick.signal();
        rig.settle();
        assertFalse(rig.device.isRunning(0));
        assertTrue(ring.error.drain() > 0);
        frontend.assertServed();
        assertEquals(PackedLayout.base(PackedLayout.FIRST_CURSOR | 1), frontend.stop(0));
        ring.driver.reset();
        startAt(PackedLayout.FIRST_BASE);
        assertRunning("b");
    }

    @Test
    void shouldRefuseFormatChangeWhileRingsRun() throws Exception {
        frontend.run(guest);
        frontend.refused(FrontendRequest.SET_FEATURES, u64(FEATURES));
        assertRunning("x");
    }
}
