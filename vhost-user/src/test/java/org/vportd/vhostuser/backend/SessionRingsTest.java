package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.EMPTY;
import static org.vportd.vhostuser.backend.RawFrontend.FEATURES;
import static org.vportd.vhostuser.backend.RawFrontend.message;
import static org.vportd.vhostuser.backend.RawFrontend.u64;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_EVENT_IDX;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_VERSION_1;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.EventFd;
import org.vportd.posix.LittleEndian;
import org.vportd.vhostuser.protocol.FrontendRequest;

/** The life of rings: start, stop, kicks and calls, status, reset. */
@Timeout(60)
class SessionRingsTest {
    private static final int STATUS_DRIVER_OK = 4;
    private static final int STATUS_NEEDS_RESET = 64;

    private BackendRig rig;
    private RawFrontend frontend;
    private TestGuest guest;
    private TestGuest.Ring ring;

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig();
        frontend = rig.connectAndNegotiate();
        guest = rig.guest(RecordingDevice.QUEUES);
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

    private void breakRing(TestGuest.Ring which) throws Exception {
        which.driver.addReadable(1, 1, 0); // no memory there
        which.driver.publish();
        which.kick.signal();
        rig.settle();
    }

    @Test
    void shouldStartEachRingOnceWhenItIsComplete() throws Exception {
        frontend.run(guest);
        for (TestGuest.Ring each : guest.rings) {
            assertEquals(1, rig.device.count("start " + each.index));
            each.write("queue " + each.index);
            rig.settle();
            assertEquals("queue " + each.index, rig.device.text(each.index));
        }
        frontend.enable(ring, true); // again
        assertEquals(1, rig.device.count("start 0"));
    }

    @Test
    void shouldEnableAllRingsWhenFeaturesComeWithoutBit30() throws Exception {
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(mask(VIRTIO_F_VERSION_1)));
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        for (TestGuest.Ring each : guest.rings) {
            frontend.setUp(each);
            assertTrue(rig.device.isRunning(each.index));
        }
        assertRunning("no enable");
    }

    @Test
    void shouldStartRingsThatWaitWhenFeaturesComeLastAndWithoutBit30() throws Exception {
        frontend.close();
        rig.settle();
        frontend = rig.connect();
        frontend.accepted(FrontendRequest.SET_PROTOCOL_FEATURES, u64(BackendRig.PROTOCOL));
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        frontend.setUp(ring);
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(mask(VIRTIO_F_VERSION_1)));
        assertRunning("enabled by features");
    }

    @Test
    void shouldNotLoseKickWhenItComesBeforeEnable() throws Exception {
        ring.write("early");
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        frontend.setUp(ring);
        rig.settle();
        assertEquals("", rig.device.text(0));
        assertEquals(0, ring.takeUsed());
        ring.write(" and disabled");
        rig.settle();
        frontend.enable(ring, true);
        assertEquals("early and disabled", rig.device.text(0));
        assertTrue(ring.takeCall());
    }

    @Test
    void shouldLeaveChainsInRingWhileItIsDisabled() throws Exception {
        frontend.run(guest);
        frontend.enable(ring, false);
        ring.write("later");
        rig.settle();
        assertEquals(0, ring.takeUsed());
        assertFalse(ring.takeCall());
        frontend.enable(ring, true);
        assertEquals("later", rig.device.text(0));
        assertEquals(1, ring.takeUsed());
    }

    @Test
    void shouldReleaseKickAndCallButNotErrorWhenRingIsStopped() throws Exception {
        frontend.run(guest);
        OpenResources running = OpenResources.now();
        assertEquals(0, frontend.stop(0));
        assertEquals(running.descriptors() - 2, OpenResources.now().descriptors());
        assertEquals(
                List.of("stop 0"),
                rig.device.takeEvents().stream()
                        .filter(e -> e.startsWith("stop"))
                        .toList());
        ring.write("nobody looks");
        rig.settle();
        assertEquals(0, ring.takeUsed());
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
        assertEquals("nobody looks", rig.device.text(0)); // num and addresses are still known
    }

    @Test
    void shouldAnswerBaseWhenRingWasNeverStarted() throws Exception {
        assertEquals(0, frontend.stop(5));
        frontend.accepted(FrontendRequest.SET_VRING_BASE, guest.ring(3).state(77));
        assertEquals(77, frontend.stop(3));
        assertEquals(77, frontend.stop(3));
    }

    @Test
    void shouldAnswerIndexThatRanOver() throws Exception {
        frontend.run(guest);
        for (int i = 0; i < 65536 + 3; i++) {
            ring.driver.addReadable(guest.region().guestAddress(), 1, 0);
            if (ring.driver.free() == 0 || i == 65536 + 2) {
                ring.driver.publish();
                ring.kick.signal();
                rig.settle();
                ring.takeUsed();
            }
        }
        assertEquals(3, frontend.stop(0));
    }

    @Test
    void shouldContinueWhereItWasWhenRingIsStoppedAndStartedAgain() throws Exception {
        frontend.run(guest);
        assertRunning("a");
        for (int i = 1; i <= 20; i++) {
            assertEquals(i, frontend.stop(0));
            ring.put("x");
            frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES));
            frontend.setUp(ring); // its base is the available index, which one chain is ahead
            assertEquals("a" + "x".repeat(i), rig.device.text(0));
            assertEquals(1, ring.takeUsed());
        }
        assertEquals(0, rig.device.count("reset"));
    }

    @Test
    void shouldGoToNewestCallWhenItIsReplaced() throws Exception {
        frontend.run(guest);
        try (EventFd other = EventFd.open(0)) {
            frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), other.fd());
            other.drain();
            ring.call.drain();
            ring.write("x");
            rig.settle();
            assertTrue(other.drain() > 0);
            assertEquals(0, ring.call.drain());
        }
    }

    @Test
    void shouldCallOnceWhenCallIsReplacedWhileRingRuns() throws Exception {
        frontend.run(guest);
        ring.takeCall();
        frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
        assertTrue(ring.takeCall()); // a call may have gone to the old one
    }

    @Test
    void shouldListenToNewestKickWhenItIsReplaced() throws Exception {
        frontend.run(guest);
        try (EventFd other = EventFd.open(0)) {
            frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), other.fd());
            ring.put("new");
            ring.kick.signal();
            rig.settle();
            assertEquals("", rig.device.text(0));
            other.signal();
            rig.settle();
            assertEquals("new", rig.device.text(0));
        }
    }

    @Test
    void shouldTakeNotificationDescriptorsBeforeAnythingElse() throws Exception {
        frontend.close();
        rig.settle();
        frontend = rig.connect();
        for (int i = 0; i < 3; i++) {
            frontend.send(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
            frontend.send(FrontendRequest.SET_VRING_ERR, ring.withFd(), ring.error.fd());
        }
        frontend.negotiate(BackendRig.PROTOCOL);
        frontend.run(guest);
        assertRunning("fine");
    }

    @Test
    void shouldStopOnlyBrokenRingAndSayItNeedsReset() throws Exception {
        frontend.run(guest);
        frontend.accepted(FrontendRequest.SET_STATUS, u64(STATUS_DRIVER_OK));
        breakRing(guest.ring(1));
        assertFalse(rig.device.isRunning(1));
        assertEquals(STATUS_DRIVER_OK | STATUS_NEEDS_RESET, frontend.askU64(FrontendRequest.GET_STATUS));
        assertTrue(guest.ring(1).error.drain() > 0);
        assertEquals(0, ring.error.drain());
        assertRunning("the others go on");
        guest.ring(1).kick.signal();
        frontend.enable(guest.ring(1), true);
        assertFalse(rig.device.isRunning(1), "broken until it is set up again");
    }

    @Test
    @DisplayName("SEC-70 an index that turns wrong when the loop stops looking for it breaks the ring and nothing else")
    void shouldStopBrokenRingWhenLoopStopsLooking() throws Exception {
        rig.loop.setPollBudget(1_000_000);
        rig.loop.turn(1);
        frontend.run(guest);
        assertRunning("looked at from now on");
        rig.turnWhile(() -> LittleEndian.putU16(guest.memory.hostAddress(ring.driver.availAddress()) + 2, 1000));
        rig.settle();
        assertFalse(rig.device.isRunning(0));
        assertTrue(ring.error.drain() > 0);
        guest.ring(1).write("the others go on");
        rig.settle();
        assertEquals("the others go on", rig.device.text(1));
    }

    @Test
    void shouldRunAgainWhenBrokenRingIsSetUpAnew() throws Exception {
        frontend.run(guest);
        breakRing(ring);
        frontend.stop(0);
        assertEquals(0, frontend.askU64(FrontendRequest.GET_STATUS));
        ring.driver.reset();
        frontend.setUp(ring);
        assertRunning("repaired");
    }

    @Test
    @DisplayName("SEC-64")
    void shouldKeepLowByteOfStatusOnly() throws Exception {
        assertEquals(0, frontend.askU64(FrontendRequest.GET_STATUS));
        frontend.accepted(FrontendRequest.SET_STATUS, u64(0xffff_ffff_ffff_ff0fL));
        assertEquals(15, frontend.askU64(FrontendRequest.GET_STATUS));
        frontend.run(guest);
        assertRunning("whatever the status says");
    }

    @ParameterizedTest
    @ValueSource(strings = {"status", "message"})
    @DisplayName("SEC-64")
    void shouldResetDeviceButKeepMemoryAndProtocolFeatures(String way) throws Exception {
        frontend.run(guest);
        frontend.accepted(FrontendRequest.SET_STATUS, u64(STATUS_DRIVER_OK));
        assertRunning("before");
        OpenResources running = OpenResources.now();
        if (way.equals("status")) {
            frontend.accepted(FrontendRequest.SET_STATUS, u64(0xff00));
        } else {
            frontend.accepted(FrontendRequest.RESET_DEVICE, EMPTY);
        }
        assertEquals(1, rig.device.count("reset"));
        assertEquals(0, frontend.askU64(FrontendRequest.GET_STATUS));
        assertEquals(running.mappings(), OpenResources.now().mappings());
        ring.kick.signal();
        rig.settle();
        guest.rings.forEach(each -> each.driver.reset());
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES));
        for (TestGuest.Ring each : guest.rings) {
            assertFalse(rig.device.isRunning(each.index));
            frontend.setUp(each);
            frontend.enable(each, true);
        }
        assertRunning("after");
    }

    @Test
    void shouldDisableRingsAndForgetNothingWhenOwnerIsReset() throws Exception {
        frontend.run(guest);
        frontend.accepted(FrontendRequest.RESET_OWNER, EMPTY);
        ring.write("x");
        rig.settle();
        assertEquals("", rig.device.text(0));
        frontend.enable(ring, true);
        assertEquals("x", rig.device.text(0));
    }

    @Test
    void shouldResetDeviceWhenDriverWantsOtherFeatures() throws Exception {
        frontend.run(guest);
        for (TestGuest.Ring each : guest.rings) {
            frontend.stop(each.index);
        }
        rig.device.takeEvents();
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES));
        assertEquals(List.of("features 0x100000000"), rig.device.takeEvents());
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES | mask(VIRTIO_F_EVENT_IDX)));
        assertEquals(List.of("reset", "features 0x120000000"), rig.device.takeEvents());
    }

    @Test
    void shouldStopAllRingsBeforeDeviceIsDetached() throws Exception {
        frontend.run(guest);
        rig.device.hold();
        ring.write("held");
        rig.settle();
        rig.device.takeEvents();
        frontend.close();
        rig.settle();
        List<String> events = rig.device.takeEvents();
        assertEquals("detach", events.get(events.size() - 1));
        assertEquals(RecordingDevice.QUEUES + 1, events.size());
    }

    @Test
    void shouldResumeAtFirstChainNotReturnedWhenBackendComesBack() throws Exception {
        frontend.run(guest);
        assertRunning("a");
        rig.device.hold();
        ring.write("b");
        ring.write("c");
        rig.settle();
        frontend.close();
        rig.settle();
        rig.device.letGo();
        frontend = rig.connectAndNegotiate();
        frontend.run(guest); // the base given is the available index, as if the chains had been returned
        assertEquals("abc", rig.device.text(0));
        assertEquals(2, ring.takeUsed());
    }

    // --- configuration

    @Test
    void shouldCopyConfigAsAskedAndZerosBeyond() throws Exception {
        RawFrontend.Reply reply = config(0, RecordingDevice.CONFIG_BYTES, 0);
        assertEquals(24, reply.header().size());
        for (int i = 0; i < RecordingDevice.CONFIG_BYTES; i++) {
            assertEquals(i + 1, reply.payload().get(12 + i));
        }
        assertEquals(20, config(0, 8, 0).header().size());
        assertEquals(5, config(4, 4, 1).payload().get(12));
        RawFrontend.Reply beyond = config(8, 248, 0);
        assertEquals(260, beyond.header().size());
        assertEquals(12, beyond.payload().get(12 + 3));
        assertEquals(0, beyond.payload().get(12 + 4));
        assertEquals(12, config(256, 0, 2).header().size());
    }

    private RawFrontend.Reply config(int offset, int size, int flags) throws Exception {
        RawFrontend.Reply reply = frontend.ask(
                FrontendRequest.GET_CONFIG,
                p -> p.putInt(offset).putInt(size).putInt(flags).put(new byte[size]));
        assertEquals(offset, reply.payload().getInt(0));
        assertEquals(size, reply.payload().getInt(4));
        assertEquals(flags, reply.payload().getInt(8));
        return reply;
    }

    @DisplayName("SEC-62")
    @Test
    void shouldAnswerEmptyWhenConfigRangeIsBad() throws Exception {
        int[][] ranges = {
            {0, 257, 4},
            {256, 1, 1},
            {255, 2, 2},
            {-1, 1, 1},
            {Integer.MAX_VALUE, 2, 2},
            {0, 4, 8},
            {0, 8, 4},
            {0, -1, 0},
            {4, -4, 0},
            {Integer.MIN_VALUE, 0, 0},
        };
        for (int[] range : ranges) {
            RawFrontend.Reply reply = frontend.ask(
                    FrontendRequest.GET_CONFIG,
                    p -> p.putInt(range[0]).putInt(range[1]).putInt(0).put(new byte[range[2]]));
            assertEquals(0, reply.header().size(), () -> range[0] + "+" + range[1]);
            frontend.refused(
                    FrontendRequest.SET_CONFIG,
                    p -> p.putInt(range[0]).putInt(range[1]).putInt(0).put(new byte[range[2]]));
        }
        assertTrue(rig.device.takeEvents().isEmpty());
    }

    @DisplayName("SEC-63: what lies beyond the device's own space is dropped")
    @Test
    void shouldHandConfigWriteToDeviceAsFarAsItReaches() throws Exception {
        write(0, new byte[RecordingDevice.CONFIG_BYTES]);
        write(8, new byte[] {1, 2, 3, 4, 5, 6});
        write(200, new byte[] {1, 2});
        write(0, new byte[256]);
        assertEquals(
                List.of(
                        "config 0 [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]",
                        "config 8 [1, 2, 3, 4]",
                        "config 12 []",
                        "config 0 [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]"),
                rig.device.takeEvents());
    }

    private void write(int offset, byte[] bytes) throws Exception {
        frontend.accepted(
                FrontendRequest.SET_CONFIG,
                p -> p.putInt(offset).putInt(bytes.length).putInt(0).put(bytes));
    }

    @Test
    void shouldAcknowledgeEverythingOnceAndInOrder() throws Exception {
        byte[] owner = message(FrontendRequest.SET_OWNER, true, EMPTY);
        byte[] features = message(FrontendRequest.GET_FEATURES, true, EMPTY); // its own reply is all it gets
        byte[] all = new byte[2 * owner.length + features.length];
        System.arraycopy(owner, 0, all, 0, owner.length);
        System.arraycopy(features, 0, all, owner.length, features.length);
        System.arraycopy(owner, 0, all, owner.length + features.length, owner.length);
        frontend.sendBytes(all);
        assertEquals(0, frontend.reply(FrontendRequest.SET_OWNER.id()).u64().value());
        frontend.reply(FrontendRequest.GET_FEATURES.id());
        assertEquals(0, frontend.reply(FrontendRequest.SET_OWNER.id()).u64().value());
        frontend.assertServed();
    }
}
