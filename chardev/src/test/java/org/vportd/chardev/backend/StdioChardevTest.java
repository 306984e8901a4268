package org.vportd.chardev.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Opening;
import org.vportd.chardev.Options;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.WindowSize;
import org.vportd.chardev.record.FileLog;
import org.vportd.posix.Fd;
import org.vportd.posix.LibC;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.Terminals;

/** On terminals, pipes and sockets that stand in for descriptors 0 and 1, which belong to the test runner. */
class StdioChardevTest {
    private static final int TERMIOS_LENGTH = 64;
    private static final int QUIT_KEY = 18;
    private static final int MISSING = 1_000_000;

    private ChardevFixture fixture;
    private boolean outputIsMissing;

    @SuppressWarnings("NullAway.Init") // these by onTerminal and the like
    private Fd stdin;

    @SuppressWarnings("NullAway.Init")
    private Fd stdout;

    @SuppressWarnings("NullAway.Init")
    private Peer outside;

    @SuppressWarnings("NullAway.Init")
    private StdioChardev chardev;

    @SuppressWarnings("NullAway.Init")
    private Chardevs chardevs;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
        chardevs = new Chardevs(fixture.loop().loop(), List.of(new TestType()), FileLog.TYPE, ChardevServices.NONE);
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private RecordingHandler start(boolean signals) throws ConfigException {
        fixture.closing(chardevs);
        chardev = (StdioChardev) chardevs.add(options("c", signals));
        return fixture.attach(chardev).grant(100_000);
    }

    private static Options options(String id, boolean signals) {
        return Options.of(Map.of("backend", "test", "id", id, "signal", signals ? "on" : "off"));
    }

    /** Stands in for the type, on other descriptors. */
    private final class TestType implements ChardevType {
        @Override
        public String name() {
            return "test";
        }

        @Override
        public Set<String> keys() {
            return StdioChardev.TYPE.keys();
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            return StdioChardev.open(opening, stdin.value(), outputIsMissing ? MISSING : stdout.value());
        }
    }

    private void onTerminal() throws PosixException {
        Terminals.Pty pty = Terminals.openPty();
        outside = fixture.closing(new Peer(pty.master()));
        stdin = fixture.closing(Posix.open(pty.slavePath(), Posix.O_RDWR | Posix.O_NOCTTY, 0));
        stdout = stdin;
        // As a shell leaves it: canonical, echo, signals, CR to NL both ways.
        long termios = NativeMemory.allocate(TERMIOS_LENGTH);
        LibC.C.tcgetattr(stdin.value(), termios);
        NativeMemory.putInt(termios, 0x100 | 0x400);
        NativeMemory.putInt(termios + 4, 1 | 4);
        NativeMemory.putInt(termios + 12, 1 | 2 | 8);
        LibC.C.tcsetattr(stdin.value(), 0, termios);
        NativeMemory.free(termios);
    }

    private void setMode(int offset, byte value) {
        long termios = NativeMemory.allocate(TERMIOS_LENGTH);
        LibC.C.tcgetattr(stdin.value(), termios);
        NativeMemory.putByte(termios + offset, value);
        LibC.C.tcsetattr(stdin.value(), 0, termios);
        NativeMemory.free(termios);
    }

    private void onPipes() throws PosixException {
        Fd[] in = Posix.pipe();
        Fd[] out = Posix.pipe();
        for (Fd fd : List.of(in[0], in[1], out[0], out[1])) {
            Posix.setNonBlocking(fd, false);
        }
        stdin = fixture.closing(in[0]);
        stdout = fixture.closing(out[1]);
        Posix.setNonBlocking(out[0], true);
        outside = fixture.closing(new Peer(out[0], in[1]));
    }

    private byte[] mode() {
        long termios = NativeMemory.allocate(TERMIOS_LENGTH);
        LibC.C.tcgetattr(stdin.value(), termios);
        byte[] bytes = new byte[TERMIOS_LENGTH];
        NativeMemory.get(termios, bytes, 0, TERMIOS_LENGTH);
        NativeMemory.free(termios);
        return bytes;
    }

    private static List<Byte> list(byte[] bytes) {
        Byte[] boxed = new Byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            boxed[i] = bytes[i];
        }
        return List.of(boxed);
    }

    @Test
    @DisplayName(
            "CH-22 VS-41 the size of the program's own terminal is known from the start, and looked at when told to")
    void shouldTellSizeOfTerminal() throws Exception {
        onTerminal();
        new Terminals.Size(132, 43).apply(stdin);
        RecordingHandler front = start(true);
        assertEquals(List.of(new WindowSize(132, 43)), front.sizes());

        new Terminals.Size(80, 25).apply(stdin);
        chardev.windowChanged();
        chardev.windowChanged();
        assertEquals(List.of(new WindowSize(132, 43), new WindowSize(80, 25)), front.sizes());
    }

    @Test
    void shouldHaveNoSizeOnPipes() throws Exception {
        onPipes();
        RecordingHandler front = start(true);
        chardev.windowChanged();
        assertEquals(List.of(), front.sizes());
    }

    @Test
    @DisplayName("CH-22 once per process, and again after it was closed")
    void shouldRefuseSecondOfOneProcess() throws Exception {
        onPipes();
        start(true);

        ConfigException refused = assertThrows(ConfigException.class, () -> chardevs.add(options("d", true)));
        assertEquals("cannot use stdio by multiple character devices", refused.getMessage());

        chardev.frontends().get(0).detach();
        chardevs.remove("c");
        assertTrue(chardevs.add(options("d", true)).isOpen());
    }

    @Test
    @DisplayName("CH-22 signal=off makes Ctrl-C input; the terminal is restored")
    void shouldPassInterruptKeyAndRestoreTerminal() throws Exception {
        onTerminal();
        List<Byte> before = list(mode());
        RecordingHandler front = start(false);

        outside.write("a\r\u0003");
        front.write("line\n");
        fixture.loop().settle();

        assertEquals("a\r\u0003", front.text());
        fixture.loop().until("output", () -> outside.text().equals("line\r\n")); // OPOST kept, no echo
        assertFalse(Posix.isNonBlocking(stdin), "the shell's mode is left alone");
        chardev.close();
        assertEquals(before, list(mode()));
    }

    @Test
    @DisplayName("CH-22 signal=on leaves Ctrl-C to the terminal, but Ctrl-\\ is input: it would have threads printed")
    void shouldNotPassInterruptKeyByDefault() throws Exception {
        onTerminal();
        setMode(QUIT_KEY, (byte) 0x1c);
        RecordingHandler front = start(true);

        outside.write("\u0003a\u001c");
        fixture.loop().settle();

        assertEquals("a\u001c", front.text());
    }

    @Test
    @DisplayName("CH-22 a change from stdio to stdio works, and the terminal is restored to what it was at first")
    void shouldBeReplacedByAnother() throws Exception {
        onTerminal();
        List<Byte> before = list(mode());
        RecordingHandler front = start(true);
        List<Byte> withSignals = list(mode());

        chardevs.change("c", options("c", false));

        outside.write("\u0003");
        front.write("out");
        fixture.loop()
                .until(
                        "both",
                        () -> front.text().equals("\u0003") && outside.text().equals("out"));
        assertThrows(ConfigException.class, () -> chardevs.add(options("d", true)));
        chardevs.change("c", options("c", true));
        assertEquals(withSignals, list(mode()));
        front.frontend().detach();
        chardevs.remove("c");
        assertEquals(before, list(mode()));
        chardevs.add(options("d", true));
    }

    @Test
    @DisplayName("CH-22 a failed change leaves the terminal and the old stdio as they are")
    void shouldGoOnAfterFailedChange() throws Exception {
        onTerminal();
        RecordingHandler front = start(false);
        List<Byte> during = list(mode());

        assertThrows(
                ConfigException.class,
                () -> chardevs.change("c", options("c", true).with("logfile", "/no/where")));
        outputIsMissing = true;
        ConfigException refused = assertThrows(ConfigException.class, () -> chardevs.change("c", options("c", true)));
        assertEquals("cannot use stdio: fcntl: Bad file descriptor", refused.getMessage());

        assertEquals(during, list(mode()));
        outside.write("\u0003");
        fixture.loop().until("input", () -> front.text().equals("\u0003"));
    }

    @Test
    @DisplayName("CH-22 a change keeps the duty to restore a descriptor that others share")
    void shouldHandOverFlagsOfSharedDescriptor() throws Exception {
        Fd[] pair = Sockets.pair();
        Posix.setNonBlocking(pair[0], false);
        stdin = fixture.closing(pair[0]);
        stdout = stdin;
        outside = fixture.closing(new Peer(pair[1]));
        RecordingHandler front = start(true);

        chardevs.change("c", options("c", true));
        assertTrue(Posix.isNonBlocking(stdin));
        outside.write("in");
        fixture.loop().until("input", () -> front.text().equals("in"));
        front.frontend().detach();
        chardevs.remove("c");
        assertFalse(Posix.isNonBlocking(stdin));
    }

    @Test
    @DisplayName("CH-22 after SIGCONT the terminal is in console mode again, and still restored at the end")
    void shouldReapplyTerminalMode() throws Exception {
        onTerminal();
        List<Byte> before = list(mode());
        start(false);
        List<Byte> during = list(mode());
        apply(before); // what the shell does while the program is stopped

        chardev.reapply();

        assertEquals(during, list(mode()));
        chardev.close();
        assertEquals(before, list(mode()));
        chardev.reapply();
        assertEquals(before, list(mode()));
    }

    private void apply(List<Byte> mode) {
        long termios = NativeMemory.allocate(TERMIOS_LENGTH);
        for (int i = 0; i < TERMIOS_LENGTH; i++) {
            NativeMemory.putByte(termios + i, mode.get(i));
        }
        LibC.C.tcsetattr(stdin.value(), 0, termios);
        NativeMemory.free(termios);
    }

    @Test
    void shouldCloseAtEndOfInputWhileOutputGoesOn() throws Exception {
        onPipes();
        RecordingHandler front = start(true);
        outside.write("last");
        outside.closeOutput();
        fixture.loop().settle();

        assertEquals("last", front.text());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
        assertEquals(4, front.write("more"));
        assertEquals("more", outside.text());
    }

    @Test
    void shouldDropOutputOnceNobodyCanReadIt() throws Exception {
        onPipes();
        RecordingHandler front = start(true);
        outside.write("still input");
        outside.fd().close();

        assertEquals(4, front.write("drop"));
        assertEquals(4, front.write("drop"));
        fixture.loop().settle();

        assertEquals("still input", front.text());
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
        assertEquals(1, fixture.log().size());
    }

    @Test
    void shouldRestoreFlagsWhenStreamCannotBeOpenedTwice() throws Exception {
        Fd[] pair = Sockets.pair();
        Posix.setNonBlocking(pair[0], false);
        stdin = fixture.closing(pair[0]);
        stdout = stdin;
        outside = fixture.closing(new Peer(pair[1]));
        RecordingHandler front = start(true);

        outside.write("in");
        front.write("out");
        fixture.loop().settle();
        assertEquals("in", front.text());
        assertEquals("out", outside.text());
        chardev.close();

        assertFalse(Posix.isNonBlocking(stdin));
        assertFalse(outside.isAtEnd(), "the process keeps its descriptors");
    }
}
