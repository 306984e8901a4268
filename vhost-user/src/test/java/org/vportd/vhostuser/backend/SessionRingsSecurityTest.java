package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.FEATURES;
import static org.vportd.vhostuser.backend.RawFrontend.message;
import static org.vportd.vhostuser.backend.RawFrontend.u64;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_F_PROTOCOL_FEATURES;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_BACKEND_REQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_REPLY_ACK;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_STATUS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_EVENT_IDX;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_VERSION_1;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.NativeMemory;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.RegionDescription;
import org.vportd.vhostuser.protocol.VringAddress;
import org.vportd.vhostuser.protocol.VringState;
import org.vportd.virtio.driver.QueueDriver;

/** Messages that set rings up as they cannot be, or at the wrong time. */
@Timeout(60)
class SessionRingsSecurityTest {
    private BackendRig rig;
    private RawFrontend frontend;
    private TestGuest guest;
    private TestGuest.Ring ring;

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig();
        frontend = rig.connectAndNegotiate();
        guest = rig.guest(1);
        ring = guest.ring(0);
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
    }

    @DisplayName("SEC-45")
    @ParameterizedTest
    @ValueSource(ints = {RecordingDevice.QUEUES, 255, 256, Integer.MAX_VALUE, Integer.MIN_VALUE, -1})
    void shouldRefuseRingThatIsNotThere(int index) throws Exception {
        frontend.refused(FrontendRequest.SET_VRING_NUM, new VringState(index, 8)::encode);
        frontend.refused(FrontendRequest.SET_VRING_BASE, new VringState(index, 0)::encode);
        frontend.refused(FrontendRequest.SET_VRING_ENABLE, new VringState(index, 1)::encode);
        frontend.refused(FrontendRequest.SET_VRING_ADDR, new VringAddress(index, 0, 0, 0, 0, 0)::encode);
        assertEquals(0, frontend.stop(index));
        frontend.assertServed();
    }

    @DisplayName("SEC-45")
    @ParameterizedTest
    @ValueSource(ints = {RecordingDevice.QUEUES, 255})
    void shouldRefuseDescriptorForRingThatIsNotThere(int index) throws Exception {
        for (FrontendRequest request : new FrontendRequest[] {
            FrontendRequest.SET_VRING_KICK, FrontendRequest.SET_VRING_CALL, FrontendRequest.SET_VRING_ERR
        }) {
            frontend.refused(request, u64(index), ring.call.fd());
            frontend.refused(request, u64(index | 0x100));
        }
    }

    @DisplayName("SEC-46")
    @ParameterizedTest
    @ValueSource(ints = {0, 3, 7, 32769, 65536, 0x100000, Integer.MIN_VALUE, -1})
    void shouldRefuseSizeThatNoRingHas(int num) throws Exception {
        frontend.refused(FrontendRequest.SET_VRING_NUM, ring.state(num));
        frontend.run(guest);
        assertRunning("fine");
    }

    @DisplayName("SEC-46")
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 32768})
    void shouldAcceptSizesThatRingsHave(int num) throws Exception {
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.state(num));
    }

    private Consumer<ByteBuffer> address(long descriptors, long used, long avail) {
        return new VringAddress(0, 0, descriptors, used, avail, 0)::encode;
    }

    @DisplayName("SEC-47")
    @Test
    void shouldRefuseAddressesOutsideOfOneRegion() throws Exception {
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        long start = guest.region().userAddress();
        long end = start + guest.region().sizeBytes();
        for (long wrong : new long[] {
            0,
            guest.region().guestAddress(), // guest-physical is something else
            start - 4096,
            start - 16, // straddles the beginning
            end - 16, // straddles the end
            end,
            0xffff_ffff_ffff_fff0L, // runs over
            Long.MIN_VALUE
        }) {
            frontend.refused(FrontendRequest.SET_VRING_ADDR, address(wrong, start + 0x1000, start + 0x2000));
            frontend.refused(FrontendRequest.SET_VRING_ADDR, address(start, wrong, start + 0x2000));
            frontend.refused(FrontendRequest.SET_VRING_ADDR, address(start, start + 0x1000, wrong));
        }
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, address(start, start + 0x1000, start + 0x2000));
    }

    @DisplayName("SEC-47")
    @ParameterizedTest
    @CsvSource({"8,0,0", "1,0,0", "0,2,0", "0,1,0", "0,0,1"})
    void shouldRefuseAddressesThatAreNotAligned(int descriptors, int used, int avail) throws Exception {
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        long start = guest.region().userAddress();
        frontend.refused(
                FrontendRequest.SET_VRING_ADDR,
                address(start + descriptors, start + 0x1000 + used, start + 0x2000 + avail));
    }

    @DisplayName("SEC-47: parts of a ring in neighbouring regions")
    @Test
    void shouldRefuseRingPartAcrossTwoRegions() throws Exception {
        RegionDescription whole = guest.region();
        long half = ring.where().descriptorAddress() + 64 - whole.userAddress();
        frontend.accepted(
                FrontendRequest.ADD_MEM_REG,
                new RegionDescription(whole.guestAddress(), half, whole.userAddress(), 0)::encodeSingle,
                guest.file());
        frontend.accepted(
                FrontendRequest.ADD_MEM_REG,
                new RegionDescription(
                                whole.guestAddress() + half, whole.sizeBytes() - half, whole.userAddress() + half, half)
                        ::encodeSingle,
                guest.file());
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        frontend.refused(FrontendRequest.SET_VRING_ADDR, ring.address());
    }

    @DisplayName("SEC-48: addresses before size and memory are checked at the start")
    @Test
    void shouldStartWhenAddressesComeFirst() throws Exception {
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, ring.address());
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        frontend.enable(ring, true);
        assertRunning("late");
    }

    @DisplayName("SEC-48")
    @Test
    void shouldNotStartWhenSizeWasEnlargedAfterAddresses() throws Exception {
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        long start = guest.region().userAddress();
        long end = start + guest.region().sizeBytes();
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        frontend.accepted(
                FrontendRequest.SET_VRING_ADDR, address(end - 16 * TestGuest.RING_SIZE, start, start + 0x1000));
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.state(2 * TestGuest.RING_SIZE));
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
        frontend.refused(FrontendRequest.SET_VRING_ENABLE, ring.state(1));
        assertFalse(rig.device.isRunning(0));
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, ring.address());
        frontend.enable(ring, true);
        assertRunning("repaired");
    }

    @DisplayName("SEC-49")
    @Test
    void shouldRefuseChangesWhileRingRuns() throws Exception {
        frontend.run(guest);
        frontend.refused(FrontendRequest.SET_VRING_NUM, ring.state(4));
        frontend.refused(FrontendRequest.SET_VRING_NUM, ring.num());
        frontend.refused(FrontendRequest.SET_VRING_BASE, ring.state(3));
        VringAddress where = ring.where();
        frontend.refused(
                FrontendRequest.SET_VRING_ADDR,
                address(where.descriptorAddress(), where.usedAddress(), where.availAddress() + 2));
        assertRunning("untouched");
        VringAddress logged =
                new VringAddress(0, 1, where.descriptorAddress(), where.usedAddress(), where.availAddress(), 0x1000);
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, logged::encode); // the flag may change
        assertRunning("as before");
    }

    @DisplayName("SEC-50")
    @Test
    void shouldNotStartBeforeEverythingIsKnown() throws Exception {
        frontend.close();
        rig.settle();
        frontend = rig.connect();
        frontend.accepted(FrontendRequest.SET_PROTOCOL_FEATURES, u64(BackendRig.PROTOCOL));
        ring.put("early");
        ring.kick.signal();
        rig.device.takeEvents();
        frontend.enable(ring, true);
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, ring.address());
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        assertTrue(rig.device.takeEvents().isEmpty(), "features are not known");
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES));
        ring.kick.signal();
        rig.settle();
        frontend.enable(ring, true);
        assertEquals("early", rig.device.text(0));
    }

    @DisplayName("SEC-50")
    @Test
    void shouldNotStartWithoutMemory() throws Exception {
        ring.put("x");
        ring.kick.signal();
        frontend.setUp(ring);
        frontend.refused(FrontendRequest.SET_VRING_ENABLE, ring.state(1));
        assertFalse(rig.device.isRunning(0));
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        assertEquals("x", rig.device.text(0), "what came too early is remembered");
    }

    @DisplayName("SEC-51")
    @ParameterizedTest
    @ValueSource(ints = {2, 256, -1, Integer.MIN_VALUE})
    void shouldRefuseEnableThatIsNeitherOnNorOff(int value) throws Exception {
        frontend.run(guest);
        frontend.refused(FrontendRequest.SET_VRING_ENABLE, ring.state(value));
        assertRunning("still on");
    }

    @DisplayName("SEC-52")
    @Test
    void shouldRefuseFeaturesThatWereNotOfferedOrAreOfALegacyDriver() throws Exception {
        rig.device.takeEvents();
        for (int bit : new int[] {0, 2, 33, 36, 38, 40, 63}) {
            frontend.refused(FrontendRequest.SET_FEATURES, u64(FEATURES | mask(bit)));
        }
        frontend.refused(FrontendRequest.SET_FEATURES, u64(mask(VHOST_USER_F_PROTOCOL_FEATURES)));
        frontend.refused(FrontendRequest.SET_FEATURES, u64(0));
        assertTrue(rig.device.takeEvents().isEmpty());
        frontend.run(guest);
        assertRunning("with the features of before");
    }

    @DisplayName("SEC-52")
    @Test
    void shouldRefuseOtherFeaturesWhileRingsRun() throws Exception {
        frontend.run(guest);
        frontend.refused(FrontendRequest.SET_FEATURES, u64(FEATURES | mask(VIRTIO_F_EVENT_IDX)));
        frontend.refused(FrontendRequest.SET_FEATURES, u64(FEATURES | mask(RecordingDevice.FEATURE)));
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES));
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(mask(VIRTIO_F_VERSION_1)));
        assertRunning("as before");
    }

    @DisplayName("SEC-53")
    @Test
    void shouldRefuseProtocolFeaturesThatWereNotOffered() throws Exception {
        for (int bit : new int[] {8, 14, 17, 21, 22, 63}) {
            frontend.refused(FrontendRequest.SET_PROTOCOL_FEATURES, u64(BackendRig.PROTOCOL | mask(bit)));
        }
    }

    @DisplayName("SEC-53: the last set counts")
    @Test
    void shouldApplyProtocolFeaturesWhenTheyAreSetAgain() throws Exception {
        long less = BackendRig.PROTOCOL & ~mask(VHOST_USER_PROTOCOL_F_STATUS);
        frontend.accepted(FrontendRequest.SET_PROTOCOL_FEATURES, u64(less));
        frontend.refused(FrontendRequest.SET_STATUS, u64(4));
        frontend.accepted(FrontendRequest.SET_PROTOCOL_FEATURES, u64(BackendRig.PROTOCOL));
        frontend.accepted(FrontendRequest.SET_STATUS, u64(4));
        frontend.sendBytes(message(FrontendRequest.SET_PROTOCOL_FEATURES, true, u64(0)));
        frontend.assertServed(); // acknowledgements have gone with this very message
    }

    @DisplayName("SEC-53")
    @ParameterizedTest
    @ValueSource(ints = {VHOST_USER_PROTOCOL_F_REPLY_ACK, VHOST_USER_PROTOCOL_F_BACKEND_REQ})
    void shouldEndWhenInBandNotificationsLackWhatTheyNeed(int missing) throws Exception {
        rig.close();
        rig = new BackendRig(new BackendOptions(true, true));
        frontend = rig.connect();
        long all = BackendRig.PROTOCOL | mask(VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS);
        frontend.send(FrontendRequest.SET_PROTOCOL_FEATURES, u64(all & ~mask(missing)));
        frontend.assertEnded();
    }

    @DisplayName("SEC-54")
    @Test
    void shouldAnswerFirstChainNotReturnedWhenChainsAreHeld() throws Exception {
        frontend.run(guest);
        ring.write("a");
        ring.write("b");
        rig.settle();
        rig.device.hold();
        ring.write("c");
        ring.write("d");
        rig.settle();
        assertEquals(2, ring.takeUsed());
        assertEquals(2, frontend.stop(0));
        ring.write("e");
        rig.settle();
        assertEquals(0, ring.takeUsed());
        frontend.accepted(FrontendRequest.SET_VRING_BASE, ring.state(2));
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
        rig.device.letGo();
        rig.settle();
        assertEquals("abcde", rig.device.text(0));
        assertEquals(3, ring.takeUsed());
        assertEquals(5, frontend.stop(0));
    }

    @DisplayName("SEC-55")
    @Test
    void shouldSurviveWhenPartsOfRingLieOnTopOfEachOther() throws Exception {
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        long start = ring.where().descriptorAddress();
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, address(start, start, start));
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
        frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
        frontend.enable(ring, true);
        for (int i = 0; i < 100; i++) {
            ring.driver.addReadable(start, 64, i);
            if (ring.driver.free() == 0) {
                ring.driver.reset();
            }
            NativeMemory.putInt(start, i << 16);
            ring.kick.signal();
            rig.settle();
        }
        frontend.assertServed();
        frontend.stop(0);
    }

    @DisplayName("SEC-55: two rings in the same memory")
    @Test
    void shouldSurviveWhenRingsShareTheirMemory() throws Exception {
        frontend.run(guest);
        VringAddress where = ring.where();
        frontend.accepted(FrontendRequest.SET_VRING_NUM, new VringState(1, TestGuest.RING_SIZE)::encode);
        frontend.accepted(
                FrontendRequest.SET_VRING_ADDR,
                new VringAddress(1, 0, where.descriptorAddress(), where.usedAddress(), where.availAddress(), 0)
                        ::encode);
        frontend.accepted(FrontendRequest.SET_VRING_KICK, u64(1), ring.kick.fd());
        frontend.accepted(FrontendRequest.SET_VRING_ENABLE, new VringState(1, 1)::encode);
        ring.write("x");
        rig.settle();
        frontend.assertServed();
        assertEquals("x", rig.device.text(0) + rig.device.text(1).replaceFirst("x", ""));
    }

    @DisplayName("SEC-24, SEC-12: rings that always have something do not starve messages")
    @Test
    void shouldAnswerWhileDriverOverfillsRing() throws Exception {
        frontend.run(guest);
        QueueDriver driver = ring.driver;
        for (int i = 0; i < 1000; i++) {
            while (driver.free() > 0) {
                driver.addReadable(guest.region().guestAddress(), 1, 0);
            }
            driver.publish();
            ring.kick.signal();
            frontend.assertServed();
            ring.takeUsed();
        }
        assertEquals(1000 * TestGuest.RING_SIZE, rig.device.text(0).length());
    }
}
