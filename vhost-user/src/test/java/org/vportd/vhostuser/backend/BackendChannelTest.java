package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.EMPTY;
import static org.vportd.vhostuser.backend.RawFrontend.message;
import static org.vportd.vhostuser.backend.RawFrontend.zeros;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.BackendRequest;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.MessageHeader;
import org.vportd.vhostuser.protocol.VringState;

/** What the back-end says by itself: changes of configuration, and calls if they go in band. */
@Timeout(60)
class BackendChannelTest {
    private static final int REQUEST_FLAGS = 1; // an answer is never asked for

    private BackendRig rig;
    private RawFrontend frontend;
    private TestGuest guest;
    private TestGuest.Ring ring;

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig(new BackendOptions(true, true));
        frontend = rig.connect();
        guest = rig.guest(2);
        ring = guest.ring(0);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private void negotiate(boolean inband) throws Exception {
        frontend.negotiate(BackendRig.PROTOCOL | (inband ? mask(VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS) : 0));
    }

    /** Gives the back-end its channel; what comes out of it. */
    private RawFrontend openChannel() throws Exception {
        Fd[] pair = Sockets.pair();
        RawFrontend channel = rig.speaker(pair[0]);
        try (Fd given = pair[1]) {
            frontend.accepted(FrontendRequest.SET_BACKEND_REQ_FD, EMPTY, given);
        }
        return channel;
    }

    private static void assertReceives(RawFrontend channel, BackendRequest request, int ring) throws Exception {
        RawFrontend.Reply message = channel.receive();
        assertNotNull(message, request::toString);
        assertEquals(new MessageHeader(request.id(), REQUEST_FLAGS, request.payloadBytes()), message.header());
        if (request.payloadBytes() > 0) {
            assertEquals(new VringState(ring, 0), VringState.decode(message.payload()));
        }
    }

    private void setUpInBand(TestGuest.Ring each) throws Exception {
        frontend.accepted(FrontendRequest.SET_VRING_NUM, each.num());
        frontend.accepted(FrontendRequest.SET_VRING_BASE, each.state(0));
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, each.address());
        frontend.accepted(FrontendRequest.SET_VRING_CALL, each.withoutFd());
    }

    private void breakRing() {
        ring.driver.addReadable(1, 1, 0); // no memory there
        ring.driver.publish();
    }

    // --- configuration

    @Test
    void shouldTellConfigChangeWhileRingRuns() throws Exception {
        negotiate(false);
        RawFrontend channel = openChannel();
        frontend.run(guest);
        rig.device.changeConfig();
        assertReceives(channel, BackendRequest.CONFIG_CHANGE_MSG, 0);
        rig.device.changeConfig();
        assertReceives(channel, BackendRequest.CONFIG_CHANGE_MSG, 0);
        assertNull(channel.receive());
    }

    @Test
    void shouldRememberConfigChangeUntilRingRuns() throws Exception {
        negotiate(false);
        RawFrontend channel = openChannel();
        rig.device.changeConfig();
        rig.device.changeConfig();
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        frontend.setUp(ring);
        assertNull(channel.receive());
        frontend.enable(ring, true);
        assertReceives(channel, BackendRequest.CONFIG_CHANGE_MSG, 0);
        assertNull(channel.receive(), "told once");
    }

    @Test
    void shouldRememberConfigChangeWhileAllRingsAreStopped() throws Exception {
        negotiate(false);
        RawFrontend channel = openChannel();
        frontend.run(guest);
        frontend.enable(guest.ring(0), false);
        frontend.enable(guest.ring(1), false);
        frontend.stop(0);
        frontend.stop(1);
        rig.device.changeConfig();
        assertNull(channel.receive());
        frontend.setUp(ring);
        assertNull(channel.receive());
        frontend.enable(ring, true);
        assertReceives(channel, BackendRequest.CONFIG_CHANGE_MSG, 0);
    }

    @Test
    void shouldRememberConfigChangeUntilThereIsAChannel() throws Exception {
        negotiate(false);
        frontend.run(guest);
        rig.device.changeConfig();
        assertReceives(openChannel(), BackendRequest.CONFIG_CHANGE_MSG, 0);
    }

    @Test
    void shouldUseNewestChannelWhenItIsReplaced() throws Exception {
        negotiate(false);
        frontend.run(guest);
        RawFrontend old = openChannel();
        RawFrontend channel = openChannel();
        rig.device.changeConfig();
        assertReceives(channel, BackendRequest.CONFIG_CHANGE_MSG, 0);
        old.assertEnded();
    }

    @Test
    void shouldTellConfigChangeWhenRingIsBroken() throws Exception {
        negotiate(false);
        RawFrontend channel = openChannel();
        frontend.run(guest);
        breakRing();
        ring.kick.signal();
        rig.settle();
        assertReceives(channel, BackendRequest.CONFIG_CHANGE_MSG, 0); // for the driver to see that it needs a reset
        assertNull(channel.receive());
    }

    // --- in band

    @Test
    void shouldStartRingsByMessageAndCallByMessage() throws Exception {
        negotiate(true);
        RawFrontend channel = openChannel();
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        for (TestGuest.Ring each : guest.rings) {
            setUpInBand(each);
            frontend.enable(each, true);
            assertFalse(rig.device.isRunning(each.index));
            each.put("queue " + each.index);
            frontend.accepted(FrontendRequest.VRING_KICK, each.state(0));
            assertTrue(rig.device.isRunning(each.index));
            assertEquals("queue " + each.index, rig.device.text(each.index));
            assertReceives(channel, BackendRequest.VRING_CALL, each.index);
            assertNull(channel.receive());
        }
        ring.put(" again");
        frontend.accepted(FrontendRequest.VRING_KICK, ring.state(0));
        assertEquals("queue 0 again", rig.device.text(0));
        assertReceives(channel, BackendRequest.VRING_CALL, 0);
        assertEquals(2, frontend.stop(0));
        ring.put("x");
        frontend.enable(ring, false);
        frontend.accepted(FrontendRequest.VRING_KICK, ring.state(0));
        assertNull(channel.receive(), "a ring that is disabled has no calls");
    }

    @Test
    void shouldStartRingWhenKickHasNoDescriptor() throws Exception {
        negotiate(true);
        RawFrontend channel = openChannel();
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        setUpInBand(ring);
        ring.put("x");
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withoutFd());
        frontend.enable(ring, true);
        assertEquals("x", rig.device.text(0));
        assertReceives(channel, BackendRequest.VRING_CALL, 0);
    }

    @Test
    void shouldPreferCallDescriptorWhenThereIsOne() throws Exception {
        negotiate(true); // some front-ends acknowledge in-band notifications without knowing them
        RawFrontend channel = openChannel();
        frontend.run(guest);
        ring.write("x");
        rig.settle();
        assertEquals("x", rig.device.text(0));
        assertTrue(ring.takeCall());
        assertNull(channel.receive());
    }

    @Test
    void shouldNotCallByMessageWhenThatWasNotNegotiated() throws Exception {
        negotiate(false);
        RawFrontend channel = openChannel();
        frontend.run(guest);
        frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withoutFd());
        frontend.accepted(FrontendRequest.SET_VRING_ERR, ring.withoutFd());
        ring.write("x");
        rig.settle();
        assertEquals("x", rig.device.text(0));
        assertNull(channel.receive());
        frontend.refused(FrontendRequest.VRING_KICK, ring.state(0));
    }

    @Test
    void shouldTellErrorByMessageWhenRingIsBroken() throws Exception {
        negotiate(true);
        RawFrontend channel = openChannel();
        frontend.run(guest);
        frontend.accepted(FrontendRequest.SET_VRING_ERR, ring.withoutFd());
        breakRing();
        frontend.accepted(FrontendRequest.VRING_KICK, ring.state(0));
        assertReceives(channel, BackendRequest.VRING_ERR, 0);
        assertReceives(channel, BackendRequest.CONFIG_CHANGE_MSG, 0);
        assertNull(channel.receive());
    }

    @DisplayName("SEC-45")
    @ParameterizedTest
    @ValueSource(ints = {RecordingDevice.QUEUES, 256, -1})
    void shouldRefuseKickOfRingThatIsNotThere(int index) throws Exception {
        negotiate(true);
        frontend.refused(FrontendRequest.VRING_KICK, new VringState(index, 0)::encode);
    }

    @DisplayName("SEC-50")
    @Test
    void shouldTakeKicksBeforeAnythingElse() throws Exception {
        negotiate(true);
        RawFrontend channel = openChannel();
        ring.put("early");
        frontend.accepted(FrontendRequest.VRING_KICK, ring.state(0));
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        setUpInBand(ring);
        assertNull(channel.receive());
        frontend.enable(ring, true);
        assertEquals("early", rig.device.text(0));
        assertReceives(channel, BackendRequest.VRING_CALL, 0);
    }

    @DisplayName("SEC-27")
    @Test
    void shouldRememberEachNoticeOnceWhenNobodyReads() throws Exception {
        negotiate(true);
        RawFrontend channel = openChannel();
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        setUpInBand(ring);
        frontend.enable(ring, true);
        int kicks = 3000;
        for (int i = 0; i < kicks; i++) {
            ring.driver.addReadable(guest.region().guestAddress(), 1, 0);
            ring.driver.publish();
            frontend.accepted(FrontendRequest.VRING_KICK, ring.state(0));
            assertEquals(1, ring.takeUsed());
        }
        int calls = 0;
        for (RawFrontend.Reply message = channel.receive(); message != null; message = receiveAfterTurn(channel)) {
            assertEquals(BackendRequest.VRING_CALL.id(), message.header().request());
            calls++;
        }
        assertTrue(calls > 1 && calls < kicks, "calls=" + calls);
        ring.put("and on");
        frontend.accepted(FrontendRequest.VRING_KICK, ring.state(0));
        assertReceives(channel, BackendRequest.VRING_CALL, 0);
    }

    private RawFrontend.@Nullable Reply receiveAfterTurn(RawFrontend channel) throws PosixException {
        rig.settle();
        return channel.receive();
    }

    @DisplayName("SEC-27, SEC-67: the channel breaks, and nothing else")
    @ParameterizedTest
    @ValueSource(strings = {"close", "reply", "bytes", "oversized"})
    void shouldCloseOnlyChannelWhenFrontendMisusesIt(String way) throws Exception {
        negotiate(true);
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        OpenResources without = OpenResources.now();
        RawFrontend channel = openChannel();
        frontend.run(guest);
        switch (way) {
            case "close" -> channel.close();
            case "reply" -> channel.sendBytes(message(BackendRequest.CONFIG_CHANGE_MSG.id(), 5, zeros(8)));
            case "bytes" -> channel.sendBytes(new byte[] {1});
            default -> channel.sendBytes(message(99, 5, zeros(4096)), ring.call.fd());
        }
        rig.settle();
        rig.device.changeConfig();
        ring.write("still there");
        rig.settle();
        assertEquals("still there", rig.device.text(0));
        if (!way.equals("close")) {
            channel.assertEnded();
            channel.close();
        }
        frontend.stop(0);
        frontend.stop(1);
        frontend.accepted(FrontendRequest.SET_VRING_ERR, ring.withoutFd());
        frontend.accepted(FrontendRequest.SET_VRING_ERR, guest.ring(1).withoutFd());
        assertEquals(without, OpenResources.now());
        RawFrontend next = openChannel();
        frontend.setUp(ring);
        rig.device.changeConfig();
        assertReceives(next, BackendRequest.CONFIG_CHANGE_MSG, 0);
    }
}
