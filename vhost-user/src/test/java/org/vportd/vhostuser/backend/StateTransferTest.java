package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.EMPTY;
import static org.vportd.vhostuser.backend.RawFrontend.message;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.DeviceStateTransfer;
import org.vportd.vhostuser.protocol.FrontendRequest;

/** The state of a device on its way. */
@Timeout(60)
class StateTransferTest {
    private static final int SAVE = DeviceStateTransfer.SAVE;
    private static final int LOAD = DeviceStateTransfer.LOAD;
    private static final int CHUNK = 1 << 16;

    @TempDir
    private Path directory;

    private BackendRig rig;
    private RawFrontend frontend;
    private final long buffer = NativeMemory.allocate(CHUNK);

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig();
        frontend = rig.connectAndNegotiate();
        rig.device.takeEvents();
    }

    @AfterEach
    void close() {
        rig.close();
        NativeMemory.free(buffer);
    }

    private static Consumer<ByteBuffer> transfer(int direction) {
        return new DeviceStateTransfer(direction)::encode;
    }

    private void begin(int direction, Fd fd) throws Exception {
        assertEquals(
                0x100,
                frontend.ask(FrontendRequest.SET_DEVICE_STATE_FD, transfer(direction), fd)
                        .u64()
                        .value());
        fd.close();
    }

    private long check() throws Exception {
        return frontend.askU64(FrontendRequest.CHECK_DEVICE_STATE);
    }

    /** The two ends: ours, and the one that is given away. */
    private Fd[] ends(boolean socket, int direction) throws Exception {
        if (socket) {
            return Sockets.pair();
        }
        Fd[] pipe = Posix.pipe();
        Fd[] ends = direction == SAVE ? pipe : new Fd[] {pipe[1], pipe[0]};
        Posix.setNonBlocking(ends[1], false); // as front-ends have it
        return ends;
    }

    private byte[] readAll(Fd from) throws Exception {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (true) {
            rig.settle();
            long n = Posix.read(from, buffer, CHUNK);
            if (n <= 0) {
                assertEquals(0, n, "not at the end");
                return all.toByteArray();
            }
            byte[] bytes = new byte[(int) n];
            NativeMemory.get(buffer, bytes, 0, bytes.length);
            all.write(bytes);
        }
    }

    private void writeAll(Fd to, byte[] bytes) throws Exception {
        int at = 0;
        while (at < bytes.length) {
            int n = Math.min(CHUNK, bytes.length - at);
            NativeMemory.put(bytes, at, buffer, n);
            at += (int) Math.max(0, Posix.write(to, buffer, n));
            rig.settle();
        }
    }

    private static byte[] state(int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) 'x');
        byte[] start = RecordingDevice.STATE.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(start, 0, bytes, 0, start.length);
        return bytes;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldSaveMoreThanFitsAtOnce(boolean socket) throws Exception {
        rig.device.state = state(RecordingDevice.MAX_STATE_BYTES);
        Fd[] ends = ends(socket, SAVE);
        try (Fd ours = ends[0]) {
            begin(SAVE, ends[1]);
            frontend.assertServed();
            assertEquals(rig.device.state.length, readAll(ours).length);
        }
        assertEquals(0, check());
        assertEquals(0, check()); // it stays like that
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldLoadTheMostThereCanBe(boolean socket) throws Exception {
        Fd[] ends = ends(socket, LOAD);
        try (Fd ours = ends[0]) {
            begin(LOAD, ends[1]);
            writeAll(ours, state(RecordingDevice.MAX_STATE_BYTES));
        }
        assertEquals(0, check());
        assertEquals(List.of("restore " + RecordingDevice.MAX_STATE_BYTES), rig.device.takeEvents());
    }

    @Test
    @DisplayName("SEC-28 a stream without end is cut at what a state can have")
    void shouldRefuseStateThatIsTooLong() throws Exception {
        Fd[] ends = ends(true, LOAD);
        try (Fd ours = ends[0]) {
            begin(LOAD, ends[1]);
            writeAll(ours, state(RecordingDevice.MAX_STATE_BYTES));
            NativeMemory.putByte(buffer, (byte) 0);
            assertEquals(1, Posix.write(ours, buffer, 1));
            assertNotEquals(0, check());
        }
        assertEquals(List.of(), rig.device.takeEvents());
        frontend.assertServed();
    }

    @Test
    @DisplayName("SEC-65 what is no state is refused when it is checked")
    void shouldRefuseWhatIsNoState() throws Exception {
        Fd[] ends = ends(false, LOAD);
        begin(LOAD, ends[1]);
        writeAll(ends[0], new byte[100]);
        ends[0].close();
        assertNotEquals(0, check());
        assertEquals(List.of(), rig.device.takeEvents());
    }

    @ParameterizedTest
    @ValueSource(ints = {SAVE, LOAD})
    @DisplayName("SEC-28 a peer that does nothing is waited for in the background, and only for so long")
    void shouldGiveUpOnPeerThatDoesNothing(int direction) throws Exception {
        rig.device.state = state(RecordingDevice.MAX_STATE_BYTES);
        Fd[] ends = ends(false, direction);
        try (Fd ours = ends[0]) {
            begin(direction, ends[1]);
            frontend.send(FrontendRequest.CHECK_DEVICE_STATE, EMPTY);
            frontend.sendBytes(message(FrontendRequest.GET_FEATURES, false, EMPTY));
            assertNull(frontend.receive()); // in order, and not before the state has arrived
            rig.pass(29);
            assertNull(frontend.receive());
            rig.pass(2);
            assertNotEquals(
                    0,
                    frontend.reply(FrontendRequest.CHECK_DEVICE_STATE.id())
                            .u64()
                            .value());
            assertTrue(frontend.reply(FrontendRequest.GET_FEATURES.id()).u64().value() != 0);
            assertTrue(ours.isOpen());
        }
        frontend.assertServed();
    }

    @Test
    void shouldAnswerCheckAsSoonAsStateHasArrived() throws Exception {
        Fd[] ends = ends(false, LOAD);
        begin(LOAD, ends[1]);
        frontend.send(FrontendRequest.CHECK_DEVICE_STATE, EMPTY);
        assertNull(frontend.receive());
        writeAll(ends[0], state(10));
        assertNull(frontend.receive());
        ends[0].close();
        rig.settle();
        assertEquals(
                0, frontend.reply(FrontendRequest.CHECK_DEVICE_STATE.id()).u64().value());
        frontend.assertServed();
    }

    @Test
    @DisplayName("SEC-28 a file, a socket without order and anything else is refused at once")
    void shouldRefuseDescriptorThatIsNoWay() throws Exception {
        Fd file = rig.own(Posix.open(Files.createFile(directory.resolve("f")).toString(), Posix.O_RDWR, 0));
        long error = frontend.ask(FrontendRequest.SET_DEVICE_STATE_FD, transfer(LOAD), file)
                .u64()
                .value();
        assertEquals(0x101, error);
        frontend.refusedOwn(FrontendRequest.SET_DEVICE_STATE_FD, transfer(SAVE), file);
        frontend.refusedOwn(
                FrontendRequest.SET_DEVICE_STATE_FD,
                payload -> payload.putInt(SAVE).putInt(1),
                file);
        frontend.refusedOwn(
                FrontendRequest.SET_DEVICE_STATE_FD,
                payload -> payload.putInt(2).putInt(0),
                file);
        assertNotEquals(0, check());
    }

    @Test
    @DisplayName("the state of a device at work is neither saved nor loaded")
    void shouldRefuseWhileRingsRun() throws Exception {
        TestGuest guest = rig.guest(1);
        frontend.run(guest);
        Fd[] ends = ends(false, SAVE);
        Fd given = rig.own(ends[1]);
        try (Fd ours = ends[0]) {
            assertTrue(ours.isOpen());
            frontend.refusedOwn(FrontendRequest.SET_DEVICE_STATE_FD, transfer(SAVE), given);
            frontend.refusedOwn(FrontendRequest.SET_DEVICE_STATE_FD, transfer(LOAD), given);
        }
    }

    @Test
    void shouldNotLoadWhenRingsRunBeforeTheEnd() throws Exception {
        TestGuest guest = rig.guest(1);
        Fd[] ends = ends(false, LOAD);
        begin(LOAD, ends[1]);
        writeAll(ends[0], state(10));
        frontend.run(guest);
        rig.device.takeEvents();
        ends[0].close();
        assertNotEquals(0, check());
        assertEquals(List.of(), rig.device.takeEvents());
    }

    @Test
    @DisplayName("SEC-28 a peer that leaves in the middle of what is saved, and one transfer at a time")
    void shouldSurvivePeerThatLeaves() throws Exception {
        rig.device.state = state(RecordingDevice.MAX_STATE_BYTES);
        Fd[] ends = ends(false, SAVE);
        begin(SAVE, ends[1]);
        Fd[] others = ends(false, LOAD);
        frontend.refusedOwn(FrontendRequest.SET_DEVICE_STATE_FD, transfer(LOAD), others[1]);
        others[0].close();
        others[1].close();
        ends[0].close();
        assertNotEquals(0, check());
        frontend.assertServed();
    }

    @Test
    @DisplayName("SEC-28 a session that ends in the middle of a transfer leaves nothing behind")
    void shouldReleaseAllWhenSessionEnds() throws Exception {
        Fd[] ends = ends(false, LOAD);
        begin(LOAD, ends[1]);
        frontend.send(FrontendRequest.CHECK_DEVICE_STATE, EMPTY);
        frontend.close();
        rig.pass(31);
        assertEquals(1, rig.sessionsEnded());
        ends[0].close();
    }
}
