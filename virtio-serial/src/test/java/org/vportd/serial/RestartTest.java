package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.vportd.serial.state.DeviceState;
import org.vportd.serial.state.StateFile;
import org.vportd.serial.state.StateFormatException;
import org.vportd.serial.state.StateRecord;

/** A device that keeps its state in a file, is gone at once, and is followed by another one that has only the file. */
@ParameterizedClass
@MethodSource("shapes")
class RestartTest {
    private static final SerialOptions OPTIONS = SerialOptions.defaults().withMaxPorts(4);
    private static final PortOptions CHANNEL = PortOptions.of(PortOptions.Type.VIRTSERIALPORT);
    private static final String ID = "device";

    private final DeviceUnderTest.Shape shape;
    private final StringBuilder output = new StringBuilder();

    @TempDir
    Path dir;

    private DeviceUnderTest dut;
    private TestChardev chardev;
    private SerialPort channel;
    private StateFile file;
    private StateRecord record;
    private Path path;
    private int lives;

    RestartTest(DeviceUnderTest.Shape shape) {
        this.shape = shape;
    }

    static Stream<DeviceUnderTest.Shape> shapes() {
        DeviceUnderTest.Shape split = DeviceUnderTest.Shape.DEFAULT.withDataSize(16);
        return Stream.of(split, split.withRings(true, false), split.withRings(false, true));
    }

    @BeforeEach
    void open() throws Exception {
        dut = new DeviceUnderTest(OPTIONS, shape);
        path = dir.resolve("state");
        plug(true);
        keep();
        dut.boot();
    }

    @AfterEach
    void close() {
        dut.close();
        record.close();
        file.close();
    }

    private void plug(boolean withPeer) throws Exception {
        dut.console(null, 0);
        chardev = dut.chardev();
        if (withPeer) {
            chardev.open();
        }
        channel = dut.device().addPort(CHANNEL.withName("org.test"), chardev);
    }

    private void keep() throws Exception {
        file = StateFile.open(path.toString());
        record = file.record(ID, OPTIONS.maxPorts());
        DeviceState last = record.last();
        if (last != null) {
            dut.device().remember(last);
        }
        dut.device().keepIn(record);
    }

    /** The device is gone in the middle of everything; all that is left of it is the file as it is now. */
    private void die() throws Exception {
        Path left = dir.resolve("state" + ++lives);
        Files.copy(path, left);
        output.append(chardev.text());
        StateRecord old = record;
        StateFile oldFile = file;
        dut.replaceDevice(OPTIONS);
        old.close();
        oldFile.close();
        path = left;
        dut.guestEvents().clear();
    }

    private void liveAgain(boolean withPeer) throws Exception {
        plug(withPeer);
        keep();
        dut.start();
        dut.settle();
    }

    @Test
    @DisplayName("VS-43 a device that is killed in the middle of chains is followed by one that goes on there")
    void shouldGoOnInTheMiddleOfChains() throws Exception {
        for (int i = 0; i < 20; i++) {
            chardev.limitRoom(4 + i % 5);
            dut.tx(channel).send("abc", "defg", "hij");
            dut.tx(channel).send("second");
            dut.settle();
            die();
            liveAgain(true);
            chardev.makeRoom(100);
            dut.settle();
            int completed = dut.tx(channel).completed();
            assertEquals(2, completed);
        }
        output.append(chardev.text());
        assertEquals("abcdefghijsecond".repeat(20), output.toString());
        assertEquals(List.of(), dut.messages());
    }

    @Test
    @DisplayName("VS-28 ports are as open as they were, though the guest says nothing")
    void shouldKeepPortsOpen() throws Exception {
        die();
        liveAgain(true);
        assertTrue(channel.isGuestConnected());
        assertTrue(chardev.isFrontendOpen());
        assertEquals(List.of("0 open", "1 open"), dut.guestEvents());
        dut.rx(channel).fill(64);
        chardev.feed("in");
        dut.settle();
        assertEquals("in", dut.rx(channel).text());
        dut.guestOpens(channel, false);
        die();
        liveAgain(true);
        assertFalse(channel.isGuestConnected());
    }

    @Test
    @DisplayName("Output waits for a peer that was there before and is not back yet")
    void shouldHoldOutputForPeer() throws Exception {
        die();
        liveAgain(false);
        dut.tx(channel).send("waits");
        dut.settle();
        assertEquals(0, dut.tx(channel).completed());
        assertEquals(List.of(), dut.messages(), "the driver believes the peer there");
        chardev.open();
        dut.settle();
        assertEquals("waits", chardev.text());
        assertEquals(List.of("PORT_OPEN 1 1"), dut.messages());
    }

    @Test
    @DisplayName("VS-21 a peer that stays away for long is given up: the driver hears of it, and output goes nowhere")
    void shouldGivePeerUp() throws Exception {
        die();
        liveAgain(false);
        dut.tx(channel).send("in vain");
        dut.settle();
        dut.pass(9);
        assertEquals(List.of(), dut.messages());
        dut.pass(2);
        assertEquals(List.of("PORT_OPEN 1 0"), dut.messages());
        assertEquals(1, dut.tx(channel).completed());
        chardev.open();
        dut.settle();
        assertEquals("", chardev.text());
    }

    @Test
    @DisplayName("VS-32 a driver that has started anew meanwhile finds a device that knows nothing")
    void shouldForgetWhenDriverBeginsAnew() throws Exception {
        chardev.limitRoom(2);
        dut.tx(channel).send("half");
        dut.settle();
        die();
        dut.rebootSilently();
        liveAgain(true);
        assertFalse(channel.isGuestConnected());
        dut.handshake();
        dut.tx(channel).send("new");
        dut.settle();
        assertEquals("new", chardev.text());
    }

    @Test
    @DisplayName("A clean end leaves the same as a kill")
    void shouldGoOnAfterCleanEnd() throws Exception {
        chardev.limitRoom(2);
        dut.tx(channel).send("half");
        dut.settle();
        output.append(chardev.text());
        dut.replaceDevice(OPTIONS);
        record.close();
        file.close();
        dut.guestEvents().clear();
        liveAgain(true);
        output.append(chardev.text());
        assertEquals("half", output.toString());
        assertEquals(List.of("0 open", "1 open"), dut.guestEvents());
    }

    // --- the file

    @Test
    @DisplayName("The file is its owner's alone, and one process's at a time")
    void shouldKeepOthersOut() throws Exception {
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        IOException refusal = assertThrows(IOException.class, () -> StateFile.open(path.toString()));
        assertEquals("another process uses it", refusal.getMessage());
        assertThrows(IOException.class, () -> StateFile.open(dir.toString()));
    }

    @Test
    @DisplayName("A file that is something else is left as it is")
    void shouldNotOverwriteOtherFiles() throws Exception {
        Path other = dir.resolve("other");
        for (String text : List.of("precious", "precious".repeat(10_000))) {
            Files.writeString(other, text);
            assertThrows(StateFormatException.class, () -> StateFile.open(other.toString()));
            assertEquals(text, Files.readString(other));
        }
    }

    @Test
    @DisplayName("A state that is damaged is not used, but the one before it; without both there is none")
    void shouldFallBackFromDamage() throws Exception {
        dut.guestOpens(channel, false);
        dut.settle();
        die();
        scribble(path, "VPORTDST", 1);
        try (StateFile damaged = StateFile.open(path.toString());
                StateRecord one = damaged.record(ID, OPTIONS.maxPorts())) {
            assertNotNull(one.last());
        }
        scribble(path, "VPORTDST", 2);
        try (StateFile damaged = StateFile.open(path.toString());
                StateRecord one = damaged.record(ID, OPTIONS.maxPorts())) {
            assertNull(one.last());
        }
        plug(true);
        keep();
    }

    /** Damages what follows the first occurrences of a text. */
    private static void scribble(Path path, String text, int times) throws IOException {
        byte[] bytes = Files.readAllBytes(path);
        String all = new String(bytes, StandardCharsets.ISO_8859_1);
        int at = -1;
        try (RandomAccessFile out = new RandomAccessFile(path.toFile(), "rw")) {
            for (int i = 0; i < times; i++) {
                at = all.indexOf(text, at + 1);
                assertTrue(at >= 0);
                out.seek(at + 20);
                out.write(0x5a);
            }
        }
    }

    @Test
    @DisplayName("What was kept for another layout of the device, or in another version, is not used")
    void shouldNotUseOtherLayouts() throws Exception {
        die();
        try (StateFile other = StateFile.open(path.toString())) {
            try (StateRecord changed = other.record(ID, 5)) {
                assertNull(changed.last());
            }
            try (StateRecord second = other.record("second", 4)) {
                assertNull(second.last());
            }
            try (StateRecord gone = other.record(ID, 4)) {
                assertNull(gone.last());
            }
        }
        try (RandomAccessFile out = new RandomAccessFile(path.toFile(), "rw")) {
            out.seek(8);
            out.write(9);
        }
        try (StateFile other = StateFile.open(path.toString());
                StateRecord anew = other.record("second", 4)) {
            assertNull(anew.last());
        }
        plug(true);
        keep();
    }

    @Test
    @DisplayName("A file that ends too early is used as far as it goes")
    void shouldSurviveShortFiles() throws Exception {
        die();
        for (long bytes : new long[] {1 << 20, 5000, 4096, 100, 0}) {
            Path cut = dir.resolve("cut" + bytes);
            Files.copy(path, cut);
            try (RandomAccessFile out = new RandomAccessFile(cut.toFile(), "rw")) {
                out.setLength(bytes);
            }
            if (bytes == 100) {
                assertThrows(StateFormatException.class, () -> StateFile.open(cut.toString()));
                continue;
            }
            try (StateFile rest = StateFile.open(cut.toString());
                    StateRecord anew = rest.record(ID, 4)) {
                assertNull(anew.last());
            }
        }
        plug(true);
        keep();
    }
}
