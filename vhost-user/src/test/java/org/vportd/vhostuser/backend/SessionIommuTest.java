package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.EMPTY;
import static org.vportd.vhostuser.backend.RawFrontend.FEATURES;
import static org.vportd.vhostuser.backend.RawFrontend.u64;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_BACKEND_REQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_REPLY_ACK;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_ACCESS_PLATFORM;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.BackendRequest;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.IotlbMessage;
import org.vportd.vhostuser.protocol.MemoryTable;
import org.vportd.vhostuser.protocol.RegionDescription;
import org.vportd.vhostuser.protocol.VringAddress;
import org.vportd.virtio.VirtioFeature;

/** A front-end whose guest has an IOMMU: what the driver calls an address is one in no region. */
@Timeout(60)
@ParameterizedClass
@ValueSource(longs = {0, 1L << VirtioFeature.VIRTIO_F_RING_PACKED})
class SessionIommuTest {
    private static final long PAGE = 4096;
    private static final long SHIFT = 1L << 40;
    private static final int READ = IotlbMessage.READ;
    private static final int BOTH = IotlbMessage.READ | IotlbMessage.WRITE;
    private static final long ACCESS = mask(VIRTIO_F_ACCESS_PLATFORM);

    private final long format;
    private BackendRig rig;
    private RawFrontend frontend;
    private RawFrontend channel;
    private TestGuest guest;

    SessionIommuTest(long format) {
        this.format = format;
    }

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig(BackendOptions.defaults().withIommu());
        frontend = rig.connectAndNegotiate();
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES | ACCESS | format));
        Fd[] pair = Sockets.pair();
        frontend.accepted(FrontendRequest.SET_BACKEND_REQ_FD, EMPTY, pair[1]);
        pair[1].close();
        channel = rig.speaker(pair[0]);
        guest = rig.guest(2, format);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    // --- what the front-end does

    private void share() throws Exception {
        List<RegionDescription> shifted = guest.regions().stream()
                .map(r ->
                        new RegionDescription(r.guestAddress() + SHIFT, r.sizeBytes(), r.userAddress(), r.mmapOffset()))
                .toList();
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, new MemoryTable(shifted)::encode, guest.files());
    }

    private static VringAddress where(TestGuest.Ring ring) {
        return new VringAddress(
                ring.index,
                0,
                ring.driver.descriptorAddress(),
                ring.driver.usedAddress(),
                ring.driver.availAddress(),
                -1L);
    }

    private void start(TestGuest.Ring ring) throws Exception {
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        frontend.accepted(FrontendRequest.SET_VRING_BASE, ring.state(ring.base()));
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, where(ring)::encode);
        frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
        frontend.accepted(FrontendRequest.SET_VRING_ERR, ring.withFd(), ring.error.fd());
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
        frontend.enable(ring, true);
    }

    private long answer(IotlbMessage message) throws Exception {
        return frontend.ask(FrontendRequest.IOTLB_MSG, message::encode).u64().value();
    }

    private void map(long iova, long bytes, long at, int permission) throws Exception {
        assertEquals(0, answer(IotlbMessage.update(iova, bytes, guest.memory.hostAddress(at), permission)));
    }

    /** Answers misses until there are none; what was asked for, in pages. */
    private List<IotlbMessage> answerMisses() throws Exception {
        List<IotlbMessage> all = new ArrayList<>();
        for (List<IotlbMessage> some = takeRequests(); !some.isEmpty(); some = takeRequests()) {
            for (IotlbMessage miss : some) {
                assertEquals(IotlbMessage.MISS, miss.type());
                map(miss.iova() & -PAGE, PAGE, miss.iova() & -PAGE, BOTH);
            }
            all.addAll(some);
        }
        return all;
    }

    private List<IotlbMessage> takeRequests() throws Exception {
        rig.settle();
        List<IotlbMessage> taken = new ArrayList<>();
        for (RawFrontend.Reply r = channel.receive(); r != null; r = channel.receive()) {
            assertFalse(r.header().needsReply());
            if (r.header().request() == BackendRequest.CONFIG_CHANGE_MSG.id()) {
                continue; // the status has changed
            }
            assertEquals(BackendRequest.IOTLB_MSG.id(), r.header().request());
            taken.add(IotlbMessage.decode(r.payload()));
        }
        return taken;
    }

    /** Memory and a ring, translated and running. */
    private TestGuest.Ring runFirst() throws Exception {
        share();
        TestGuest.Ring ring = guest.ring(0);
        start(ring);
        answerMisses();
        assertTrue(rig.device.isRunning(0));
        return ring;
    }

    /** Makes a text available that lies at the start of a page of its own; where. */
    private long write(TestGuest.Ring ring, String text) throws Exception {
        long at = put(ring, text);
        ring.kick.signal();
        rig.settle();
        return at;
    }

    private long put(TestGuest.Ring ring, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        long at = guest.memory.allocate(PAGE, PAGE);
        NativeMemory.put(bytes, 0, guest.memory.hostAddress(at), bytes.length);
        ring.driver.addReadable(at, bytes.length, 0);
        ring.driver.publish();
        return at;
    }

    private void overwrite(long at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        NativeMemory.put(bytes, 0, guest.memory.hostAddress(at), bytes.length);
    }

    // --- negotiation

    @Test
    void shouldOfferOnlyWhenAskedTo() throws Exception {
        assertTrue(VirtioFeature.has(frontend.askU64(FrontendRequest.GET_FEATURES), VIRTIO_F_ACCESS_PLATFORM));
        rig.close();
        rig = new BackendRig();
        frontend = rig.connectAndNegotiate();
        assertFalse(VirtioFeature.has(frontend.askU64(FrontendRequest.GET_FEATURES), VIRTIO_F_ACCESS_PLATFORM));
        frontend.refused(FrontendRequest.SET_FEATURES, u64(FEATURES | ACCESS));
    }

    @Test
    void shouldRefuseWhenThereIsNoWayToAsk() throws Exception {
        for (int without : new int[] {VHOST_USER_PROTOCOL_F_BACKEND_REQ, VHOST_USER_PROTOCOL_F_REPLY_ACK}) {
            frontend.send(FrontendRequest.SET_PROTOCOL_FEATURES, u64(BackendRig.PROTOCOL & ~mask(without)));
            frontend.send(FrontendRequest.SET_FEATURES, u64(FEATURES));
            frontend.send(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
            frontend.assertServed();
            frontend.send(FrontendRequest.SET_FEATURES, u64(FEATURES | ACCESS));
            assertNotEquals(
                    0, answer(IotlbMessage.update(0, PAGE, guest.region().userAddress(), READ)));
        }
    }

    @DisplayName("SEC-66: IOTLB messages without VIRTIO_F_ACCESS_PLATFORM")
    @Test
    void shouldRefuseMessagesWhenThereIsNoIommu() throws Exception {
        share();
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES));
        long user = guest.region().userAddress();
        frontend.refusedOwn(FrontendRequest.IOTLB_MSG, IotlbMessage.update(0, PAGE, user, READ)::encode);
        frontend.refusedOwn(FrontendRequest.IOTLB_MSG, IotlbMessage.invalidate(0, PAGE)::encode);
    }

    @DisplayName("SEC-66: IOTLB messages that cannot be")
    @Test
    void shouldRefuseMessagesThatCannotBe() throws Exception {
        share();
        long user = guest.region().userAddress();
        long bytes = guest.region().sizeBytes();
        for (IotlbMessage bad : List.of(
                IotlbMessage.update(0, 0, user, READ),
                IotlbMessage.update(0, bytes + 1, user, READ),
                IotlbMessage.update(0, PAGE, user - 1, READ),
                IotlbMessage.update(0, PAGE, user + bytes - PAGE + 1, READ),
                IotlbMessage.update(-1, 2, user, READ),
                IotlbMessage.update(0, -1, user, READ),
                IotlbMessage.update(0, PAGE, user, 0),
                IotlbMessage.update(0, PAGE, user, 4),
                IotlbMessage.invalidate(-1, 2),
                IotlbMessage.miss(0, READ),
                new IotlbMessage(0, PAGE, user, READ, 0),
                new IotlbMessage(0, PAGE, user, READ, 5),
                new IotlbMessage(0, PAGE, user, READ, 255))) {
            frontend.refusedOwn(FrontendRequest.IOTLB_MSG, bad::encode);
        }
        frontend.refusedOwn(FrontendRequest.IOTLB_MSG, RawFrontend.zeros(31));
        assertEquals(0, answer(IotlbMessage.invalidate(0, -1)));
        assertEquals(0, answer(IotlbMessage.invalidate(0, 0)));
    }

    // --- rings

    @Test
    void shouldStartRingWhenItsTranslationsHaveCome() throws Exception {
        share();
        TestGuest.Ring ring = guest.ring(0);
        write(ring, "early");
        start(ring);
        assertFalse(rig.device.isRunning(0));

        List<IotlbMessage> misses = answerMisses();

        assertTrue(rig.device.isRunning(0));
        assertEquals("early", rig.device.text(0));
        assertEquals(1, ring.takeUsed());
        assertTrue(misses.stream().allMatch(m -> m.iova() >= guest.region().guestAddress()));
    }

    @Test
    void shouldRunAtOnceWhenTranslationsWereThereBefore() throws Exception {
        share();
        map(
                guest.region().guestAddress(),
                guest.region().sizeBytes(),
                guest.region().guestAddress(),
                BOTH);
        TestGuest.Ring ring = guest.ring(0);
        start(ring);
        write(ring, "known");
        assertEquals("known", rig.device.text(0));
        assertEquals(List.of(), takeRequests());
    }

    @Test
    void shouldSuspendRingWhenItsTranslationGoes() throws Exception {
        TestGuest.Ring ring = runFirst();
        assertEquals(0, answer(IotlbMessage.invalidate(ring.driver.usedAddress(), 1)));
        assertFalse(rig.device.isRunning(0));
        write(ring, "meanwhile");
        assertEquals("", rig.device.text(0));

        assertFalse(answerMisses().isEmpty());

        assertTrue(rig.device.isRunning(0));
        assertEquals("meanwhile", rig.device.text(0));
        assertEquals(1, ring.takeUsed());
    }

    @Test
    void shouldBreakRingWhenItIsNotInOnePiece() throws Exception {
        share();
        TestGuest.Ring ring = guest.ring(0);
        start(ring);
        long used = ring.driver.usedAddress();
        takeRequests();
        long elsewhere = guest.memory.allocate(2 * PAGE, PAGE);
        map(used & -PAGE, (used & (PAGE - 1)) + 2, elsewhere, BOTH); // ends within the part
        map(used + 2, PAGE, used + 2, BOTH);
        for (long part : new long[] {ring.driver.descriptorAddress(), ring.driver.availAddress()}) {
            map(part, 128, part, BOTH); // exactly these, since they may share the page
        }
        answerMisses();
        assertFalse(rig.device.isRunning(0));
        assertTrue(ring.error.drain() > 0);
        frontend.assertServed();
    }

    @DisplayName("a ring of which the pages are apart is mapped in one piece, and unmapped when it stops")
    @Test
    void shouldPutRingTogetherWhenItsPagesAreApart() throws Exception {
        share();
        TestGuest.Ring ring = guest.ring(0);
        long base = 0x7000_0000_0000L;
        long[] pages = new long[2];
        for (int i = pages.length - 1; i >= 0; i--) {
            pages[i] = guest.memory.allocate(PAGE, PAGE);
            map(base + i * PAGE, PAGE, pages[i], BOTH);
        }
        long before = OpenResources.now().mappings();
        // The descriptors begin in the last bytes of one page and go on in one that lies before it.
        VringAddress usual = where(ring);
        long descriptors = base + PAGE - 32;
        frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        VringAddress apart = new VringAddress(0, 0, descriptors, usual.usedAddress(), usual.availAddress(), -1L);
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, apart::encode);
        frontend.accepted(FrontendRequest.SET_VRING_ERR, ring.withFd(), ring.error.fd());
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
        frontend.enable(ring, true);
        answerMisses();
        assertTrue(rig.device.isRunning(0));
        assertEquals(before + 2, OpenResources.now().mappings());

        for (int i = 0; i < 6; i++) { // by then they are in the second page
            long at = put(ring, "<" + i + ">");
            copyRing(ring, pages);
            ring.kick.signal();
            rig.settle();
            map(at, PAGE, at, READ);
            rig.settle();
            copyBack(ring, pages);
            assertEquals(1, ring.takeUsed(), "chain " + i);
        }
        assertEquals("<0><1><2><3><4><5>", rig.device.text(0));
        frontend.stop(0);
        assertEquals(before, OpenResources.now().mappings());
    }

    /** What the driver has written to its descriptors, seen at the place where the device has them. */
    private void copyRing(TestGuest.Ring ring, long[] pages) {
        long from = guest.memory.hostAddress(ring.driver.descriptorAddress());
        NativeMemory.copy(from, guest.memory.hostAddress(pages[0]) + PAGE - 32, 32);
        NativeMemory.copy(from + 32, guest.memory.hostAddress(pages[1]), 16 * TestGuest.RING_SIZE - 32);
    }

    private void copyBack(TestGuest.Ring ring, long[] pages) {
        long to = guest.memory.hostAddress(ring.driver.descriptorAddress());
        NativeMemory.copy(guest.memory.hostAddress(pages[0]) + PAGE - 32, to, 32);
        NativeMemory.copy(guest.memory.hostAddress(pages[1]), to + 32, 16 * TestGuest.RING_SIZE - 32);
    }

    @Test
    void shouldForgetTranslationsWhenAllRingsHaveStopped() throws Exception {
        TestGuest.Ring ring = runFirst();
        write(ring, "one");
        answerMisses();
        assertEquals("one", rig.device.text(0));
        ring.takeUsed();
        frontend.stop(0);

        start(ring); // the front-end says nothing of what goes while rings are stopped
        assertFalse(rig.device.isRunning(0));
        answerMisses();
        assertTrue(rig.device.isRunning(0));
    }

    // --- buffers

    @Test
    void shouldGoOnWhenTranslationComes() throws Exception {
        TestGuest.Ring ring = runFirst();
        long at = write(ring, "text");
        assertEquals(List.of(IotlbMessage.miss(at, READ)), takeRequests());
        ring.kick.signal();
        rig.settle();
        assertEquals(List.of(), takeRequests(), "asked twice");
        assertEquals("", rig.device.text(0));

        map(at, PAGE, at, READ);
        rig.settle();

        assertEquals("text", rig.device.text(0));
        assertEquals(1, ring.takeUsed());
    }

    @Test
    void shouldServeOtherRingsWhileOneWaits() throws Exception {
        TestGuest.Ring ring = runFirst();
        start(guest.ring(1));
        answerMisses();
        long at = write(ring, "late");
        takeRequests();

        write(guest.ring(1), "other");
        assertEquals(1, answerMisses().size());
        assertEquals("other", rig.device.text(1));
        assertEquals("", rig.device.text(0));
        map(at, PAGE, at, READ);
        rig.settle();
        assertEquals("late", rig.device.text(0));
    }

    @Test
    void shouldReadThroughNewTranslationWhenOldOneHasGone() throws Exception {
        TestGuest.Ring ring = runFirst();
        rig.device.hold();
        long at = write(ring, "right");
        answerMisses(); // the chain is in the device's hands now
        long moved = guest.memory.allocate(PAGE, PAGE);
        overwrite(moved, "right");

        assertEquals(0, answer(IotlbMessage.invalidate(at, PAGE)));
        overwrite(at, "WRONG");
        rig.device.letGo();
        assertEquals("", rig.device.text(0));
        assertEquals(1, takeRequests().size());
        map(at, PAGE, moved, READ);
        rig.settle();

        assertEquals("right", rig.device.text(0));
        assertEquals(1, ring.takeUsed());
    }

    @Test
    void shouldReadThroughNewTranslationWhenItReplacesTheOld() throws Exception {
        TestGuest.Ring ring = runFirst();
        rig.device.hold();
        long at = write(ring, "right");
        answerMisses();
        long moved = guest.memory.allocate(PAGE, PAGE);
        overwrite(moved, "right");
        map(at, PAGE, moved, READ);
        overwrite(at, "WRONG");

        rig.device.letGo();
        rig.settle();

        assertEquals("right", rig.device.text(0));
        assertEquals(1, ring.takeUsed());
    }

    @Test
    void shouldAskForFewAtOnceWhenManyAreMissing() throws Exception {
        TestGuest.Ring ring = runFirst();
        int pages = SessionIommu.MAX_MISSES + 20;
        long at = guest.memory.allocate(pages * PAGE, PAGE);
        ring.driver.addReadable(at, (int) (pages * PAGE), 0);
        ring.driver.publish();
        ring.kick.signal();

        assertEquals(SessionIommu.MAX_MISSES, takeRequests().size());
        rig.pass(2);
        assertEquals(SessionIommu.MAX_MISSES, takeRequests().size(), "asked once more, after a while");
        for (int i = 0; i < SessionIommu.MAX_MISSES; i++) {
            map(at + i * PAGE, PAGE, at + i * PAGE, READ);
        }
        assertEquals(20, answerMisses().size());
        for (int i = 0; i < 16; i++) { // the device takes so much of it at a turn
            ring.kick.signal();
            rig.settle();
        }
        assertEquals(1, ring.takeUsed());
    }

    @Test
    void shouldTellAndBreakRingWhenAccessIsNotPermitted() throws Exception {
        TestGuest.Ring ring = runFirst();
        long at = write(ring, "secret");
        takeRequests();
        map(at, PAGE, at, IotlbMessage.WRITE);
        rig.settle();

        assertEquals(List.of(IotlbMessage.accessFail(at, READ)), takeRequests());
        assertFalse(rig.device.isRunning(0));
        assertTrue(ring.error.drain() > 0);
        assertEquals("", rig.device.text(0));
        frontend.assertServed();
    }

    @Test
    void shouldBreakRingWhenFrontendDeniesAccess() throws Exception {
        TestGuest.Ring ring = runFirst();
        long at = write(ring, "nowhere");
        assertEquals(1, takeRequests().size());

        assertEquals(0, answer(IotlbMessage.accessFail(at + 5 * PAGE, READ)));
        assertTrue(rig.device.isRunning(0));
        assertEquals(0, answer(IotlbMessage.accessFail(at, READ)));

        assertFalse(rig.device.isRunning(0));
        assertTrue(ring.error.drain() > 0);
    }

    @Test
    void shouldKeepTranslationsWhenMemoryIsSharedAnew() throws Exception {
        TestGuest.Ring ring = runFirst();
        rig.device.hold();
        write(ring, "before");
        answerMisses();
        share();
        rig.device.letGo();
        rig.settle();

        assertEquals("before", rig.device.text(0));
        assertEquals(List.of(), takeRequests());
        assertEquals(1, ring.takeUsed());
    }

    @Test
    void shouldForgetTranslationsWhenTheirMemoryGoes() throws Exception {
        TestGuest.Ring ring = runFirst();
        RegionDescription r = guest.region();
        RegionDescription shifted =
                new RegionDescription(r.guestAddress() + SHIFT, r.sizeBytes(), r.userAddress(), r.mmapOffset());
        frontend.accepted(FrontendRequest.REM_MEM_REG, shifted::encodeSingle);
        assertFalse(rig.device.isRunning(0));
        frontend.accepted(FrontendRequest.ADD_MEM_REG, shifted::encodeSingle, guest.file());
        answerMisses();
        assertTrue(rig.device.isRunning(0));
        write(ring, "again");
        answerMisses();
        assertEquals("again", rig.device.text(0));
    }
}
