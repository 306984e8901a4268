package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.FEATURES;
import static org.vportd.vhostuser.backend.RawFrontend.u64;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_F_LOG_ALL;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_LOG_SHMFD;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.EventFd;
import org.vportd.posix.Fd;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.LogArea;
import org.vportd.vhostuser.protocol.VringAddress;
import org.vportd.virtio.VirtioFeature;

/** The dirty log of a session. */
@Timeout(60)
class SessionLogTest {
    private static final long LOGGING = FEATURES | mask(VHOST_F_LOG_ALL);
    private static final int LOG_BYTES = 4096;

    private BackendRig rig;
    private RawFrontend frontend;
    private TestGuest guest;
    private TestGuest.Ring ring;
    private Fd file;
    private MappedMemory bits;

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig();
        frontend = rig.connectAndNegotiate();
        guest = rig.guest(2);
        ring = guest.ring(0);
        file = rig.own(Posix.memoryFile("log", LOG_BYTES));
        Posix.sealShrink(file);
        bits = MappedMemory.map(file, 0, LOG_BYTES);
    }

    @AfterEach
    void close() {
        bits.close();
        rig.close();
    }

    private static Consumer<ByteBuffer> area(long bytes, long offset) {
        return new LogArea(bytes, offset)::encode;
    }

    /** A ring with the log flag, its used ring under its own address. */
    private Consumer<ByteBuffer> logged(TestGuest.Ring which, long logAddress) {
        VringAddress at = which.where();
        return new VringAddress(at.index(), 1, at.descriptorAddress(), at.usedAddress(), at.availAddress(), logAddress)
                ::encode;
    }

    private void setLog() throws Exception {
        assertEquals(
                0,
                frontend.ask(FrontendRequest.SET_LOG_BASE, area(LOG_BYTES, 0), file)
                        .u64()
                        .value());
    }

    private int marks() {
        byte[] bytes = new byte[LOG_BYTES];
        NativeMemory.get(bits.address(), bytes, 0, bytes.length);
        NativeMemory.put(new byte[LOG_BYTES], 0, bits.address(), LOG_BYTES);
        return BitSet.valueOf(bytes).cardinality();
    }

    private void write(String text) throws Exception {
        ring.write(text);
        rig.settle();
        assertEquals(1, ring.takeUsed());
    }

    @Test
    void shouldOfferLogging() throws Exception {
        assertTrue(VirtioFeature.has(frontend.askU64(FrontendRequest.GET_FEATURES), VHOST_F_LOG_ALL));
        assertTrue(VirtioFeature.has(
                frontend.askU64(FrontendRequest.GET_PROTOCOL_FEATURES), VHOST_USER_PROTOCOL_F_LOG_SHMFD));
    }

    @Test
    @DisplayName("SEC-52 logging goes on and off while rings run, in force before the acknowledgement")
    void shouldSwitchLoggingWhileRingsRun() throws Exception {
        frontend.run(guest);
        write("a");
        setLog();
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, logged(ring, ring.driver.usedAddress()));
        write("b");
        assertEquals(0, marks());
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(LOGGING));
        write("c");
        assertEquals(1, marks()); // the page of the used ring
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, ring.address()); // not this ring's any more
        write("d");
        assertEquals(0, marks());
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, logged(ring, ring.driver.usedAddress()));
        write("e");
        assertEquals(1, marks());
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES));
        write("f");
        assertEquals(0, marks());
        assertEquals("abcdef", rig.device.text(0));
        assertEquals(0, rig.device.count("reset"));
        assertEquals(1, rig.device.count("start 0"));
    }

    @Test
    void shouldMarkFromTheStartWhenLoggingIsOnBeforeRingsRun() throws Exception {
        setLog();
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(LOGGING));
        frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        frontend.setUp(ring);
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, logged(ring, ring.driver.usedAddress()));
        frontend.enable(ring, true);
        marks();
        write("a");
        assertTrue(marks() > 0);
    }

    @Test
    void shouldUseTheNewestLog() throws Exception {
        frontend.run(guest);
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, logged(ring, ring.driver.usedAddress()));
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(LOGGING));
        Fd other = rig.own(Posix.memoryFile("log", LOG_BYTES));
        Posix.sealShrink(other);
        assertEquals(
                0,
                frontend.ask(FrontendRequest.SET_LOG_BASE, area(LOG_BYTES, 0), other)
                        .u64()
                        .value());
        write("a");
        assertEquals(0, marks());
        OpenResources before = OpenResources.now();
        setLog();
        assertEquals(before, OpenResources.now());
        write("b");
        assertEquals(1, marks());
    }

    @Test
    void shouldSignalOncePerBatch() throws Exception {
        setLog();
        try (EventFd signal = EventFd.open(0)) {
            frontend.accepted(FrontendRequest.SET_LOG_FD, RawFrontend.EMPTY, signal.fd());
            frontend.accepted(FrontendRequest.SET_FEATURES, u64(LOGGING));
            frontend.run(guest);
            frontend.accepted(FrontendRequest.SET_VRING_ADDR, logged(ring, ring.driver.usedAddress()));
            signal.drain();
            for (int i = 0; i < 5; i++) {
                ring.put("x");
            }
            ring.kick.signal();
            rig.settle();
            assertEquals(5, ring.takeUsed());
            assertEquals(1, signal.drain());
            write("y");
            assertEquals(1, signal.drain());
        }
    }

    @Test
    void shouldRefuseSignalThatIsNone() throws Exception {
        frontend.refused(FrontendRequest.SET_LOG_FD, RawFrontend.EMPTY, guest.file());
    }

    @Test
    @DisplayName(
            "SEC-58 a log that may get shorter, does not fit its file or cannot be mapped is refused in its own reply")
    void shouldRefuseLogThatCannotBeTrusted() throws Exception {
        Fd unsealed = rig.own(Posix.memoryFile("log", LOG_BYTES));
        frontend.refusedOwn(FrontendRequest.SET_LOG_BASE, area(LOG_BYTES, 0), unsealed);
        frontend.refusedOwn(FrontendRequest.SET_LOG_BASE, area(LOG_BYTES + 1, 0), file);
        frontend.refusedOwn(FrontendRequest.SET_LOG_BASE, area(1, LOG_BYTES), file);
        frontend.refusedOwn(FrontendRequest.SET_LOG_BASE, area(1, Long.MAX_VALUE), file);
        frontend.refusedOwn(FrontendRequest.SET_LOG_BASE, area(Long.MAX_VALUE, Long.MAX_VALUE), file);
        frontend.refusedOwn(FrontendRequest.SET_LOG_BASE, area(-1, 0), file);
        frontend.refusedOwn(FrontendRequest.SET_LOG_BASE, area(LOG_BYTES, 0), ring.kick.fd());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("SEC-58 a log that cannot be had while writes are to be noted ends the session")
    void shouldEndWhenLogIsMissingWhileLogging(boolean hadOne) throws Exception {
        if (hadOne) {
            setLog();
        }
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(LOGGING));
        Fd unsealed = rig.own(Posix.memoryFile("log", LOG_BYTES));
        frontend.send(FrontendRequest.SET_LOG_BASE, area(LOG_BYTES, 0), unsealed);
        frontend.assertEnded();
        assertEquals(1, rig.sessionsEnded());
    }

    @ParameterizedTest
    @CsvSource({"0,0", "1,0", "4096,-1", "4096,-7", "4096,0x7fffffffffffffff", "4096,0x8000000000000000"})
    @DisplayName("SEC-57 SEC-59 marks outside of the log break the ring, and nothing is written outside")
    void shouldBreakRingWhenMarkIsOutside(long bytes, String logAddress) throws Exception {
        long address = logAddress.startsWith("0x")
                ? Long.parseUnsignedLong(logAddress.substring(2), 16)
                : Long.parseLong(logAddress);
        address = address == 0 ? ring.driver.usedAddress() : address;
        assertEquals(
                0,
                frontend.ask(FrontendRequest.SET_LOG_BASE, area(bytes, 0), file)
                        .u64()
                        .value());
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(LOGGING));
        frontend.run(guest);
        frontend.accepted(FrontendRequest.SET_VRING_ADDR, logged(ring, address));
        ring.write("a");
        rig.settle();
        assertFalse(rig.device.isRunning(0));
        assertTrue(rig.device.isRunning(1));
        assertEquals(0, marks());
        assertNotEquals(0, frontend.askU64(FrontendRequest.GET_STATUS) & 64);
        frontend.assertServed();
        guest.ring(1).write("other");
        rig.settle();
        assertEquals("other", rig.device.text(1));
    }

    @Test
    @DisplayName("SEC-10 a log is refused without its protocol feature")
    void shouldRefuseLogWithoutFeature() throws Exception {
        frontend.accepted(
                FrontendRequest.SET_PROTOCOL_FEATURES,
                u64(BackendRig.PROTOCOL & ~mask(VHOST_USER_PROTOCOL_F_LOG_SHMFD)));
        frontend.refusedOwn(FrontendRequest.SET_LOG_BASE, area(LOG_BYTES, 0), file);
    }
}
