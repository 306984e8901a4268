package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_RING_PACKED;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_VERSION_1;
import static org.vportd.virtio.VirtioFeature.mask;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.Fd;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.InflightArea;
import org.vportd.virtio.queue.InflightRegion;

/** In-flight areas in a session: made, taken, refused, and used by the next session. */
class SessionInflightTest {
    private static final int RING_SIZE = TestGuest.RING_SIZE;
    private static final long SPLIT_BYTES = InflightRegion.bytes(false, RING_SIZE);

    private BackendRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private InflightArea asked(int queues, int size) {
        return new InflightArea(0, 0, queues, size);
    }

    private InflightArea answer(RawFrontend frontend, InflightArea asked) throws Exception {
        RawFrontend.Reply reply = frontend.ask(FrontendRequest.GET_INFLIGHT_FD, asked::encode);
        assertEquals(InflightArea.LENGTH, reply.header().size());
        return InflightArea.decode(reply.payload());
    }

    private Fd file(long bytes) throws Exception {
        return rig.own(Posix.memoryFile("area", bytes));
    }

    @DisplayName("GET_INFLIGHT_FD answers a sealed file of zeros, as large as the queues need")
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void makesArea(boolean packed) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        if (packed) {
            frontend.accepted(
                    FrontendRequest.SET_FEATURES, RawFrontend.u64(RawFrontend.FEATURES | mask(VIRTIO_F_RING_PACKED)));
        }
        InflightArea area = answer(frontend, asked(3, 64));
        List<Fd> files = frontend.takeDescriptors();
        assertEquals(1, files.size());
        Fd file = rig.own(files.get(0));
        assertEquals(new InflightArea(3 * InflightRegion.bytes(packed, 64), 0, 3, 64), area);
        assertTrue(Posix.isShrinkSealed(file));
        try (MappedMemory memory = MappedMemory.map(file, 0, area.sizeBytes())) {
            for (long i = 0; i < area.sizeBytes(); i += Long.BYTES) {
                assertEquals(0, NativeMemory.getLong(memory.address() + i));
            }
        }
        frontend.accepted(FrontendRequest.SET_INFLIGHT_FD, area::encode, file);
        frontend.assertServed();
    }

    @DisplayName("SEC-61 GET_INFLIGHT_FD for more than the device has is answered with no area")
    @ParameterizedTest
    @CsvSource({"65535,65535", "0,8", "7,8", "1,0", "1,32769"})
    void makesNoArea(int queues, int size) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        assertEquals(0, answer(frontend, asked(queues, size)).sizeBytes());
        assertEquals(List.of(), frontend.takeDescriptors());
        frontend.assertServed();
    }

    @DisplayName("SEC-60 SET_INFLIGHT_FD with an area that cannot be is refused")
    @ParameterizedTest
    @CsvSource({
        "0,0,1,8,4096",
        "320,0,0,8,4096",
        "4096,0,7,8,4096",
        "4096,0,1,0,4096",
        "4096,0,1,32769,4096",
        "100,0,1,8,4096",
        "4096,4096,1,8,4096",
        "4096,0,1,8,100",
        "4096,0,6,65535,4096",
    })
    void refusesArea(long size, long offset, int queues, int queueSize, long fileBytes) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        InflightArea area = new InflightArea(size, offset, queues, queueSize);
        frontend.refused(FrontendRequest.SET_INFLIGHT_FD, area::encode, file(fileBytes));
    }

    @Test
    @DisplayName("SEC-60 an area is not exchanged while rings run")
    void refusesAreaWhileRingsRun() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        frontend.run(rig.guest(1));
        InflightArea area = new InflightArea(SPLIT_BYTES, 0, 1, RING_SIZE);
        frontend.refused(FrontendRequest.SET_INFLIGHT_FD, area::encode, file(SPLIT_BYTES));
    }

    @DisplayName("SEC-60 an area that makes no sense is not used, and the ring runs without")
    @ParameterizedTest
    @CsvSource({"7,8", "1,4", "1,9"})
    void runsWithoutUnusableArea(int version, int entries) throws Exception {
        Fd file = file(SPLIT_BYTES);
        try (MappedMemory memory = MappedMemory.map(file, 0, SPLIT_BYTES)) {
            NativeMemory.putShort(memory.address() + 8, (short) version);
            NativeMemory.putShort(memory.address() + 10, (short) entries);
            RawFrontend frontend = rig.connectAndNegotiate();
            InflightArea area = new InflightArea(SPLIT_BYTES, 0, 1, RING_SIZE);
            frontend.accepted(FrontendRequest.SET_INFLIGHT_FD, area::encode, file);
            TestGuest guest = rig.guest(1);
            frontend.run(guest);
            guest.ring(0).write("text");
            rig.settle();
            assertEquals("text", rig.device.text(0));
            assertEquals(version, NativeMemory.getShort(memory.address() + 8));
        }
    }

    @DisplayName("What is held is noted, given back when the connection ends, and not noted after GET_VRING_BASE")
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void notesWhatIsHeld(boolean packed) throws Exception {
        long features = packed ? mask(VIRTIO_F_RING_PACKED) : 0;
        long bytes = InflightRegion.bytes(packed, RING_SIZE);
        Fd file = file(bytes);
        InflightArea area = new InflightArea(bytes, 0, 1, RING_SIZE);
        TestGuest guest = rig.guest(1, features | mask(VIRTIO_F_VERSION_1));
        try (MappedMemory memory = MappedMemory.map(file, 0, bytes)) {
            InflightRegion region = new InflightRegion(memory.address(), RING_SIZE);
            RawFrontend frontend = rig.connectAndNegotiate();
            frontend.accepted(FrontendRequest.SET_FEATURES, RawFrontend.u64(RawFrontend.FEATURES | features));
            frontend.accepted(FrontendRequest.SET_INFLIGHT_FD, area::encode, file);
            frontend.run(guest);
            rig.device.hold();
            guest.ring(0).write("held");
            rig.settle();
            assertTrue(region.isTaken(packed));
            frontend.close();
            rig.settle();
            assertEquals(1, rig.sessionsEnded());
            assertTrue(!region.isTaken(packed));

            RawFrontend next = rig.connectAndNegotiate();
            next.accepted(FrontendRequest.SET_FEATURES, RawFrontend.u64(RawFrontend.FEATURES | features));
            next.accepted(FrontendRequest.SET_INFLIGHT_FD, area::encode, file);
            rig.device.letGo();
            next.run(guest);
            assertEquals("held", rig.device.text(0));
            assertEquals(1, guest.ring(0).takeUsed());
            assertEquals(1, NativeMemory.getShort(memory.address() + 8));
            int unused = next.stop(0);
            assertEquals(0, NativeMemory.getShort(memory.address() + 8), "the base counts from here on");
        }
    }

    /** A fault may be reported late, but only to a loop that runs. */
    private void runUntilSessionEnds() throws InterruptedException {
        Thread asking = new Thread(() -> {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
            while (!rig.loop.isStopped()) {
                boolean late = System.nanoTime() - end > 0;
                rig.loop.post(() -> {
                    if (late || rig.sessionsEnded() == 1) {
                        rig.loop.stop();
                    }
                });
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
            }
        });
        asking.start();
        rig.loop.run();
        asking.join();
    }

    @Test
    @DisplayName("SEC-60 an area that is cut while it is used costs the session, and nobody else")
    void survivesTruncatedArea() throws Exception {
        Fd file = file(SPLIT_BYTES);
        RawFrontend frontend = rig.connectAndNegotiate();
        InflightArea area = new InflightArea(SPLIT_BYTES, 0, 1, RING_SIZE);
        frontend.accepted(FrontendRequest.SET_INFLIGHT_FD, area::encode, file);
        TestGuest guest = rig.guest(1);
        frontend.run(guest);
        Posix.resize(file, 0);
        guest.ring(0).write("text");
        runUntilSessionEnds();
        frontend.assertEnded();
        assertEquals(1, rig.sessionsEnded());
        rig.connectAndNegotiate().assertServed();
    }
}
