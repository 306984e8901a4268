package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.EMPTY;
import static org.vportd.vhostuser.backend.RawFrontend.FEATURES;
import static org.vportd.vhostuser.backend.RawFrontend.u64;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_GPA_ADDRESSES;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vportd.posix.Fd;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.IotlbMessage;
import org.vportd.vhostuser.protocol.MemoryTable;
import org.vportd.vhostuser.protocol.RegionDescription;
import org.vportd.vhostuser.protocol.VringAddress;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.driver.DriverMemory;

/** A front-end that does not tell its own addresses: where it would, it tells the guest's. */
@Timeout(60)
class GuestAddressesTest {
    private BackendRig rig;
    private RawFrontend frontend;
    private TestGuest guest;
    private TestGuest.Ring ring;

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig(BackendOptions.defaults().withGuestAddresses().withIommu());
        frontend = rig.connect();
        guest = rig.guest(1);
        ring = guest.ring(0);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private List<RegionDescription> regions() {
        return guest.regions().stream()
                .map(r -> new RegionDescription(r.guestAddress(), r.sizeBytes(), 0, r.mmapOffset()))
                .toList();
    }

    private VringAddress where() {
        return new VringAddress(
                0, 0, ring.driver.descriptorAddress(), ring.driver.usedAddress(), ring.driver.availAddress(), 0);
    }

    private void setUpRing() throws Exception {
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, where()::encode);
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
        frontend.enable(ring, true);
    }

    @Test
    void shouldBeOfferedOnlyWhenAskedFor() throws Exception {
        long bit = mask(VHOST_USER_PROTOCOL_F_GPA_ADDRESSES);
        assertTrue((frontend.askU64(FrontendRequest.GET_PROTOCOL_FEATURES) & bit) != 0);
        rig.close();
        rig = new BackendRig();
        frontend = rig.connect();
        assertEquals(0, frontend.askU64(FrontendRequest.GET_PROTOCOL_FEATURES) & bit);
    }

    @Test
    void shouldFindRingsByGuestAddress() throws Exception {
        frontend.negotiate(BackendRig.PROTOCOL | mask(VHOST_USER_PROTOCOL_F_GPA_ADDRESSES));
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, new MemoryTable(regions())::encode, guest.files());
        frontend.refused(
                FrontendRequest.SET_VRING_ADDR,
                payload -> new VringAddress(0, 0, guest.region().userAddress(), 0, 1, 0).encode(payload));
        setUpRing();
        ring.write("guest");
        rig.settle();
        assertEquals("guest", rig.device.text(0));
    }

    @Test
    void shouldAddAndRemoveRegionsThatAllSayZero() throws Exception {
        frontend.negotiate(BackendRig.PROTOCOL | mask(VHOST_USER_PROTOCOL_F_GPA_ADDRESSES));
        RegionDescription first = regions().get(0);
        RegionDescription second = new RegionDescription(first.guestAddress() + first.sizeBytes(), 4096, 0, 0);
        frontend.accepted(FrontendRequest.ADD_MEM_REG, first::encodeSingle, guest.file());
        frontend.accepted(FrontendRequest.ADD_MEM_REG, second::encodeSingle, guest.file());
        setUpRing();
        frontend.accepted(FrontendRequest.REM_MEM_REG, second::encodeSingle);
        ring.write("still there");
        rig.settle();
        assertEquals("still there", rig.device.text(0));
        frontend.accepted(FrontendRequest.REM_MEM_REG, first::encodeSingle);
        assertFalse(rig.device.isRunning(0));
    }

    @Test
    void shouldTakeTranslationsToGuestAddresses() throws Exception {
        frontend.negotiate(BackendRig.PROTOCOL | mask(VHOST_USER_PROTOCOL_F_GPA_ADDRESSES));
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES | mask(VirtioFeature.VIRTIO_F_ACCESS_PLATFORM)));
        Fd[] pair = Sockets.pair();
        try (Fd kept = pair[0];
                Fd given = pair[1]) {
            frontend.accepted(FrontendRequest.SET_BACKEND_REQ_FD, EMPTY, given);
            assertTrue(kept.isOpen());
            long offset = 1L << 40; // regions are elsewhere than where the driver says
            RegionDescription r = regions().get(0);
            RegionDescription shifted =
                    new RegionDescription(r.guestAddress() + offset, r.sizeBytes(), 0, r.mmapOffset());
            frontend.accepted(FrontendRequest.ADD_MEM_REG, shifted::encodeSingle, guest.file());
            IotlbMessage update = IotlbMessage.update(
                    DriverMemory.DEFAULT_GUEST_ADDRESS, r.sizeBytes(), r.guestAddress() + offset, 3);
            assertEquals(
                    0,
                    frontend.ask(FrontendRequest.IOTLB_MSG, update::encode)
                            .u64()
                            .value());
            setUpRing();
            ring.write("both");
            rig.settle();
            assertEquals("both", rig.device.text(0));
        }
    }
}
