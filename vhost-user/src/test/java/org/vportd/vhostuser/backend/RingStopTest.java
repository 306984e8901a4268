package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.EMPTY;
import static org.vportd.vhostuser.backend.RawFrontend.FEATURES;
import static org.vportd.vhostuser.backend.RawFrontend.u64;
import static org.vportd.vhostuser.backend.RawFrontend.zeros;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.NativeMemory;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.VringState;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.queue.PackedLayout;

/** A ring is stopped, one way or the other, while the device has chains in its hands. */
@Timeout(60)
@ParameterizedClass
@ValueSource(longs = {0, 1L << VirtioFeature.VIRTIO_F_RING_PACKED})
class RingStopTest {
    private final long format;
    private BackendRig rig;
    private RawFrontend frontend;
    private TestGuest guest;
    private TestGuest.Ring ring;

    RingStopTest(long format) {
        this.format = format;
    }

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig();
        frontend = rig.connectAndNegotiate();
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES | format));
        guest = rig.guest(1, format);
        ring = guest.ring(0);
        frontend.run(guest);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private int baseAfter(int chains) {
        return format == 0
                ? chains
                : PackedLayout.base(PackedLayout.advance(PackedLayout.FIRST_CURSOR, chains, TestGuest.RING_SIZE));
    }

    /** Puts chains into the device's hands, and one in front that it has returned. */
    private void holdSome() throws Exception {
        ring.write("first ");
        rig.settle();
        assertEquals(1, ring.takeUsed());
        rig.device.hold();
        for (String text : new String[] {"one ", "two ", "three "}) {
            ring.write(text);
        }
        rig.settle();
    }

    @DisplayName("SEC-54 GET_VRING_BASE names the first chain that is held, and nothing is touched afterwards")
    @Test
    void shouldGiveChainsBackWhenRingIsStopped() throws Exception {
        holdSome();

        assertEquals(baseAfter(1), frontend.stop(0));
        assertFalse(rig.device.isRunning(0));
        rig.device.letGo();
        assertEquals("first ", rig.device.text(0));
        assertEquals(0, ring.takeUsed());

        frontend.accepted(FrontendRequest.SET_VRING_BASE, ring.state(baseAfter(1)));
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
        rig.settle();
        assertEquals("first one two three ", rig.device.text(0));
        assertEquals(3, ring.takeUsed());
    }

    @DisplayName("a reset takes chains out of the device's hands, and the next driver starts with an empty ring")
    @Test
    void shouldForgetChainsWhenDeviceIsReset() throws Exception {
        holdSome();

        frontend.accepted(FrontendRequest.RESET_DEVICE, EMPTY);
        assertFalse(rig.device.isRunning(0));
        assertEquals(0, ring.takeUsed());
        long scribble = guest.memory.hostAddress(ring.driver.descriptorAddress());
        for (int i = 0; i < 16 * TestGuest.RING_SIZE; i++) {
            NativeMemory.putByte(scribble + i, (byte) 0xff); // the memory is no ring any more
        }
        ring.kick.signal();
        rig.settle();
        rig.device.letGo();
        assertEquals("first ", rig.device.text(0));

        for (int i = 0; i < 16 * TestGuest.RING_SIZE; i++) {
            assertEquals((byte) 0xff, NativeMemory.getByte(scribble + i));
            NativeMemory.putByte(scribble + i, (byte) 0);
        }
        ring.driver.reset();
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES | format));
        frontend.setUp(ring);
        frontend.enable(ring, true);
        ring.write("next");
        rig.settle();
        assertEquals("first next", rig.device.text(0));
        assertEquals(1, ring.takeUsed());
    }

    @DisplayName("a ring that is disabled in the middle goes on where it was")
    @Test
    void shouldGoOnWhenRingIsDisabledForAWhile() throws Exception {
        holdSome();
        frontend.enable(ring, false);
        rig.device.letGo();
        assertEquals("first ", rig.device.text(0));
        frontend.enable(ring, true);
        assertEquals("first one two three ", rig.device.text(0));
        assertEquals(3, ring.takeUsed());
    }

    @DisplayName("postcopy, other byte orders and what else is not offered are refused, and the ring runs on")
    @Test
    void shouldRunOnWhenUnknownFeaturesAreUsed() throws Exception {
        frontend.refusedOwn(FrontendRequest.POSTCOPY_ADVISE, EMPTY);
        frontend.refused(FrontendRequest.POSTCOPY_LISTEN, EMPTY);
        frontend.refusedOwn(FrontendRequest.POSTCOPY_END, EMPTY);
        frontend.refused(FrontendRequest.SET_VRING_ENDIAN, new VringState(0, 1)::encode);
        frontend.refused(FrontendRequest.SEND_RARP, zeros(8));
        ring.write("on");
        rig.settle();
        assertEquals("on", rig.device.text(0));
        assertTrue(ring.takeUsed() > 0);
    }
}
