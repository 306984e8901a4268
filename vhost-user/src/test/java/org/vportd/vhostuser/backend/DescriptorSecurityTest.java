package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.EMPTY;
import static org.vportd.vhostuser.backend.RawFrontend.FEATURES;
import static org.vportd.vhostuser.backend.RawFrontend.message;
import static org.vportd.vhostuser.backend.RawFrontend.u64;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.EventFd;
import org.vportd.posix.Fd;
import org.vportd.posix.LibC;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.FrontendRequest;

/** Descriptors that are too many, too few, of the wrong kind, or that would make us wait. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DescriptorSecurityTest {
    private static final int O_PATH = 0x200000;
    private static final int MSGHDR_LENGTH = 56;
    private static final int CMSG_LENGTH = 16;

    @TempDir
    private Path directory;

    private BackendRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private TestGuest.Ring runRing(RawFrontend frontend) throws Exception {
        TestGuest guest = rig.guest(1);
        frontend.run(guest);
        return guest.ring(0);
    }

    private Fd[] pipe() throws PosixException {
        Fd[] pipe = Posix.pipe();
        rig.own(pipe[0]);
        rig.own(pipe[1]);
        return pipe;
    }

    private Fd[] socketPair() throws PosixException {
        Fd[] pair = Sockets.pair();
        rig.own(pair[0]);
        rig.own(pair[1]);
        return pair;
    }

    private static void fill(Fd fd) throws PosixException {
        long bytes = NativeMemory.allocate(4096);
        try {
            for (int n = 4096; n > 0; n /= 8) {
                while (Posix.write(fd, bytes, n) > 0) {
                    // until not even a byte fits
                }
            }
        } finally {
            NativeMemory.free(bytes);
        }
    }

    @DisplayName("SEC-15")
    @ParameterizedTest
    @EnumSource(names = {"GET_FEATURES", "GET_PROTOCOL_FEATURES", "GET_QUEUE_NUM", "GET_MAX_MEM_SLOTS", "GET_STATUS"})
    void shouldCloseDescriptorsWhenQuestionHasSome(FrontendRequest request) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest guest = rig.guest(0);
        OpenResources before = OpenResources.now();
        frontend.ask(request, EMPTY, guest.file(), guest.file(), guest.file());
        assertEquals(before, OpenResources.now());
        frontend.assertServed();
    }

    @DisplayName("SEC-15")
    @Test
    void shouldCloseDescriptorsWhenSettingHasSome() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest guest = rig.guest(1);
        OpenResources before = OpenResources.now();
        frontend.accepted(FrontendRequest.SET_OWNER, EMPTY, guest.file());
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES), guest.file());
        frontend.accepted(FrontendRequest.SET_VRING_NUM, guest.ring(0).num(), guest.file(), guest.file());
        frontend.ask(FrontendRequest.GET_VRING_BASE, guest.ring(0).state(0), guest.file());
        assertEquals(before, OpenResources.now());
    }

    @DisplayName("SEC-16")
    @ParameterizedTest
    @ValueSource(ints = {2, 9, 64, 128})
    void shouldRefuseWhenThereAreTooManyDescriptors(int count) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest guest = rig.guest(1);
        Fd[] many = Collections.nCopies(count, guest.file()).toArray(Fd[]::new);
        frontend.refused(FrontendRequest.SET_MEM_TABLE, guest.table(), many);
        frontend.refused(FrontendRequest.ADD_MEM_REG, guest.region()::encodeSingle, many);
        frontend.refused(FrontendRequest.SET_VRING_KICK, guest.ring(0).withFd(), many);
        frontend.refused(FrontendRequest.SET_BACKEND_REQ_FD, EMPTY, many);
    }

    @DisplayName("SEC-16")
    @ParameterizedTest
    @ValueSource(ints = {129, 253})
    void shouldEndWhenDescriptorsAreLost(int count) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest guest = rig.guest(0);
        sendWithMany(frontend.fd(), message(FrontendRequest.SET_OWNER, true, EMPTY), guest.file(), count);
        frontend.assertEnded();
    }

    /** More than {@link org.vportd.posix.MessageSocket} sends. */
    private static void sendWithMany(Fd socket, byte[] message, Fd attached, int count) {
        int controlLength = (CMSG_LENGTH + count * Integer.BYTES + 7) & -8;
        long header = NativeMemory.allocate(MSGHDR_LENGTH + 16L + controlLength + message.length);
        long vector = header + MSGHDR_LENGTH;
        long control = vector + 16;
        long bytes = control + controlLength;
        try {
            NativeMemory.put(message, 0, bytes, message.length);
            NativeMemory.putLong(vector, bytes);
            NativeMemory.putLong(vector + 8, message.length);
            NativeMemory.putLong(header + 16, vector);
            NativeMemory.putLong(header + 24, 1);
            NativeMemory.putLong(header + 32, control);
            NativeMemory.putLong(header + 40, controlLength);
            NativeMemory.putLong(control, CMSG_LENGTH + (long) count * Integer.BYTES);
            NativeMemory.putInt(control + 8, 1); // SOL_SOCKET
            NativeMemory.putInt(control + 12, 1); // SCM_RIGHTS
            for (int i = 0; i < count; i++) {
                NativeMemory.putInt(control + CMSG_LENGTH + (long) i * Integer.BYTES, attached.value());
            }
            assertEquals(message.length, LibC.C.sendmsg(socket.value(), header, 0));
        } finally {
            NativeMemory.free(header);
        }
    }

    @DisplayName("SEC-17")
    @Test
    void shouldRefuseWhenDescriptorIsMissing() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest guest = rig.guest(1);
        frontend.refused(FrontendRequest.SET_MEM_TABLE, guest.table());
        frontend.refused(FrontendRequest.ADD_MEM_REG, guest.region()::encodeSingle);
        frontend.refused(FrontendRequest.SET_BACKEND_REQ_FD, EMPTY);
    }

    @DisplayName("SEC-18")
    @ParameterizedTest
    @EnumSource(names = {"SET_VRING_KICK", "SET_VRING_CALL", "SET_VRING_ERR"})
    void shouldRefuseWhenDescriptorAndItsBitContradictEachOther(FrontendRequest request) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest.Ring ring = rig.guest(1).ring(0);
        frontend.refused(request, ring.withFd());
        frontend.refused(request, ring.withoutFd(), ring.call.fd());
        frontend.refused(request, ring.withFd(), ring.call.fd(), ring.call.fd());
    }

    @DisplayName("SEC-18: a ring that would have to be polled is refused, calls and errors may be left out")
    @Test
    void shouldRefuseKicklessRingWithoutInBandNotifications() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest.Ring ring = rig.guest(1).ring(0);
        frontend.refused(FrontendRequest.SET_VRING_KICK, ring.withoutFd());
        frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withoutFd());
        frontend.accepted(FrontendRequest.SET_VRING_ERR, ring.withoutFd());
    }

    @DisplayName("SEC-19")
    @ParameterizedTest
    @ValueSource(ints = {1, 11, 12, 19})
    void shouldEndWhenDescriptorComesInTheMiddleOfMessage(int at) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest guest = rig.guest(0);
        byte[] whole = message(FrontendRequest.SET_FEATURES, true, u64(FEATURES));
        frontend.sendBytes(Arrays.copyOf(whole, at));
        frontend.sendBytes(Arrays.copyOfRange(whole, at, whole.length), guest.file());
        frontend.assertEnded();
    }

    @DisplayName("SEC-20")
    @Test
    void shouldRefuseNotificationsThroughWhatHasNoReadiness() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest guest = rig.guest(1);
        Path file = Files.createFile(directory.resolve("file"));
        try (Fd zero = Posix.open("/dev/zero", Posix.O_RDWR, 0);
                Fd regular = Posix.open(file.toString(), Posix.O_RDWR, 0);
                Fd folder = Posix.open(directory.toString(), Posix.O_RDONLY, 0);
                Fd path = Posix.open(file.toString(), O_PATH, 0)) {
            for (FrontendRequest request : List.of(
                    FrontendRequest.SET_VRING_KICK, FrontendRequest.SET_VRING_CALL, FrontendRequest.SET_VRING_ERR)) {
                for (Fd wrong : List.of(zero, regular, folder, path, guest.file())) {
                    frontend.refused(request, guest.ring(0).withFd(), wrong);
                }
            }
        }
    }

    @DisplayName("SEC-20")
    @ParameterizedTest
    @CsvSource({"false,false", "false,true", "true,false", "true,true"})
    void shouldStopWatchingWhenNobodyCanKickAnyMore(boolean socket, boolean beforehand) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest.Ring ring = runRing(frontend);
        Fd[] pair = socket ? socketPair() : pipe();
        if (beforehand) {
            pair[1].close();
        }
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), pair[0]);
        pair[1].close();
        rig.settle(); // would not come to rest if it still watched
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
        ring.write("still there");
        rig.settle();
        assertEquals("still there", rig.device.text(0));
    }

    @DisplayName("SEC-20: what was kicked last is not lost when the kicking end is closed")
    @Test
    void shouldReadRingWhenKickIsFollowedByHangUp() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest.Ring ring = runRing(frontend);
        Fd[] pipe = pipe();
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), pipe[0]);
        ring.put("last words");
        kick(pipe[1], Long.BYTES);
        pipe[1].close();
        rig.settle();
        assertEquals("last words", rig.device.text(0));
    }

    private static void kick(Fd fd, int bytes) throws PosixException {
        long value = NativeMemory.allocate(bytes);
        try {
            NativeMemory.putByte(value, (byte) 1);
            assertEquals(bytes, Posix.write(fd, value, bytes));
        } finally {
            NativeMemory.free(value);
        }
    }

    @DisplayName("SEC-20: a pipe full of bytes that are no kicks")
    @Test
    void shouldComeToRestWhenKickPipeIsFull() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest.Ring ring = runRing(frontend);
        Fd[] pipe = pipe();
        fill(pipe[1]);
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), pipe[0]);
        ring.put("a");
        kick(pipe[1], 3); // there is room again, and three bytes are a kick as well
        rig.settle();
        assertEquals("a", rig.device.text(0));
    }

    @DisplayName("SEC-20: the reading end of a pipe as call, its writing end as kick")
    @Test
    void shouldSurviveWhenEndsArePutTheWrongWayRound() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest.Ring ring = runRing(frontend);
        Fd[] pipe = pipe();
        frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), pipe[0]);
        ring.write("x");
        rig.settle();
        assertEquals("x", rig.device.text(0));
        frontend.acknowledgement(FrontendRequest.SET_VRING_KICK, ring.withFd(), pipe[1]);
        rig.settle();
        frontend.assertServed();
    }

    @DisplayName("SEC-21")
    @ParameterizedTest
    @ValueSource(strings = {"eventfd", "pipe", "socket"})
    void shouldNotWaitWhenBlockingKickWasDrainedByFrontend(String kind) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest.Ring ring = runRing(frontend);
        Fd[] ends = switch (kind) {
            case "pipe" -> pipe();
            case "socket" -> socketPair();
            default -> new Fd[] {ring.kick.fd(), ring.kick.fd()};
        };
        Posix.setNonBlocking(ends[0], false);
        frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ends[0]);
        kick(ends[1], Long.BYTES);
        kick(ends[0].equals(ends[1]) ? ends[0] : ends[1], Long.BYTES);
        long drained = NativeMemory.allocate(64);
        try {
            assertTrue(Posix.read(ends[0], drained, 64) > 0); // the event is on its way, but there is nothing to read
        } finally {
            NativeMemory.free(drained);
        }
        rig.settle();
        ring.put("later");
        kick(ends[1], Long.BYTES);
        rig.settle();
        assertEquals("later", rig.device.text(0));
        assertFalse(Posix.isNonBlocking(ends[0]), "the mode is the front-end's");
    }

    @DisplayName("SEC-22")
    @ParameterizedTest
    @CsvSource({"pipe,true", "pipe,false", "socket,true", "socket,false", "eventfd,true", "eventfd,false"})
    void shouldNotWaitWhenCallIsFull(String kind, boolean blocking) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest.Ring ring = runRing(frontend);
        Fd[] ends = switch (kind) {
            case "pipe" -> pipe();
            case "socket" -> socketPair();
            default -> new Fd[] {ring.call.fd(), ring.call.fd()};
        };
        if (kind.equals("eventfd")) {
            fillCounter(ends[1]);
        } else {
            fill(ends[1]);
        }
        Posix.setNonBlocking(ends[1], !blocking);
        frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ends[1]);
        frontend.accepted(FrontendRequest.SET_VRING_ERR, ring.withFd(), ends[1]);
        for (int i = 0; i < TestGuest.RING_SIZE; i++) {
            ring.write("x");
            rig.settle();
        }
        assertEquals("x".repeat(TestGuest.RING_SIZE), rig.device.text(0));
        frontend.assertServed();
    }

    private static void fillCounter(Fd eventFd) throws PosixException {
        long value = NativeMemory.allocate(Long.BYTES);
        try {
            NativeMemory.putLong(value, -2L); // the most an eventfd holds
            assertEquals(Long.BYTES, Posix.write(eventFd, value, Long.BYTES));
        } finally {
            NativeMemory.free(value);
        }
    }

    @DisplayName("SEC-23")
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldGoOnWhenNobodyHearsCalls(boolean socket) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest.Ring ring = runRing(frontend);
        Fd[] ends = socket ? socketPair() : pipe();
        frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ends[1]);
        frontend.accepted(FrontendRequest.SET_VRING_ERR, ring.withFd(), ends[1]);
        ends[0].close();
        ring.write("a");
        rig.settle();
        ring.write("b");
        rig.settle();
        assertEquals("ab", rig.device.text(0));
        breakRing(ring);
        rig.settle();
        frontend.assertServed();
    }

    private static void breakRing(TestGuest.Ring ring) throws PosixException {
        ring.driver.addReadable(1, 1, 0); // no memory there
        ring.driver.publish();
        ring.kick.signal();
    }

    @DisplayName("SEC-24")
    @Test
    void shouldComeToRestWhenCallsKick() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest.Ring ring = runRing(frontend);
        frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.kick.fd());
        frontend.accepted(FrontendRequest.SET_VRING_ERR, ring.withFd(), ring.kick.fd());
        for (int i = 0; i < TestGuest.RING_SIZE; i++) {
            ring.write("x");
        }
        rig.settle();
        assertEquals("x".repeat(TestGuest.RING_SIZE), rig.device.text(0));
        breakRing(ring);
        rig.settle();
        frontend.assertServed();
    }

    @DisplayName("SEC-25, SEC-26")
    @Test
    void shouldRefuseMemoryThatIsNoFileOfItsOwn() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest guest = rig.guest(0);
        Path file = directory.resolve("file");
        Files.write(file, new byte[1 << 20]);
        Fd[] sockets = socketPair();
        Fd[] pipe = pipe();
        try (Fd folder = Posix.open(directory.toString(), Posix.O_RDONLY, 0);
                Fd none = Posix.open("/dev/null", Posix.O_RDWR, 0);
                Fd zero = Posix.open("/dev/zero", Posix.O_RDWR, 0);
                Fd own = Posix.open("/proc/self/mem", Posix.O_RDWR, 0);
                Fd path = Posix.open(file.toString(), O_PATH, 0);
                Fd writeOnly = Posix.open(file.toString(), Posix.O_WRONLY, 0);
                Fd readOnly = Posix.open(file.toString(), Posix.O_RDONLY, 0);
                EventFd event = EventFd.open(0)) {
            for (Fd wrong : List.of(
                    folder, none, zero, own, path, writeOnly, readOnly, event.fd(), sockets[0], pipe[0], pipe[1])) {
                frontend.refused(FrontendRequest.SET_MEM_TABLE, guest.table(), wrong);
                frontend.refused(FrontendRequest.ADD_MEM_REG, guest.region()::encodeSingle, wrong);
            }
        }
        frontend.accepted(FrontendRequest.ADD_MEM_REG, guest.region()::encodeSingle, guest.file());
    }

    @DisplayName("SEC-27")
    @Test
    void shouldRefuseBackendChannelThatIsNoStreamSocket() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest guest = rig.guest(1);
        Fd[] pipe = pipe();
        try (Fd zero = Posix.open("/dev/zero", Posix.O_RDWR, 0)) {
            for (Fd wrong : List.of(zero, guest.file(), guest.ring(0).kick.fd(), pipe[0], pipe[1])) {
                frontend.refused(FrontendRequest.SET_BACKEND_REQ_FD, EMPTY, wrong);
            }
        }
    }

    @DisplayName("SEC-27: the front-end's own end of the connection as back-end channel")
    @Test
    void shouldGoOnWhenBackendChannelIsTheConnectionItself() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        runRing(frontend);
        frontend.send(FrontendRequest.SET_BACKEND_REQ_FD, EMPTY, frontend.fd());
        rig.device.changeConfig();
        rig.settle();
        frontend.assertServed();
        rig.device.changeConfig();
        rig.settle();
        frontend.assertServed();
    }

    @DisplayName("SEC-29")
    @Test
    void shouldCloseFormerDescriptorWhenItIsReplaced() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        TestGuest.Ring ring = runRing(frontend);
        Fd[] channel = socketPair();
        frontend.accepted(FrontendRequest.SET_BACKEND_REQ_FD, EMPTY, channel[1]);
        OpenResources before = OpenResources.now();
        for (int i = 0; i < 1000; i++) {
            try (EventFd event = EventFd.open(0)) {
                frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), event.fd());
                frontend.accepted(FrontendRequest.SET_VRING_ERR, ring.withFd(), event.fd());
                frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), event.fd());
                frontend.accepted(FrontendRequest.SET_BACKEND_REQ_FD, EMPTY, channel[1]);
            }
        }
        assertEquals(before, OpenResources.now());
        frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withoutFd());
        frontend.accepted(FrontendRequest.SET_VRING_ERR, ring.withoutFd());
        assertEquals(before.descriptors() - 2, OpenResources.now().descriptors());
    }
}
