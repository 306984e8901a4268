package org.vportd.chardev.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
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

    private ChardevFixture fixture;

    @SuppressWarnings("NullAway.Init") // these by onTerminal and the like
    private Fd stdin;

    @SuppressWarnings("NullAway.Init")
    private Fd stdout;

    @SuppressWarnings("NullAway.Init")
    private Peer outside;

    @SuppressWarnings("NullAway.Init")
    private StdioChardev chardev;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private RecordingHandler start(boolean signals) throws ConfigException {
        chardev = StdioChardev.open(fixture.loop().loop(), "c", stdin.value(), stdout.value(), signals);
        fixture.closing(chardev);
        return fixture.attach(chardev).grant(100_000);
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
    @DisplayName("CH-22 once per process, and again after it was closed")
    void shouldRefuseSecondOfOneProcess() throws Exception {
        onPipes();
        start(true);

        ConfigException refused = assertThrows(
                ConfigException.class,
                () -> StdioChardev.open(fixture.loop().loop(), "d", stdin.value(), stdout.value(), true));
        assertEquals("cannot use stdio by multiple character devices", refused.getMessage());

        chardev.close();
        start(true);
        assertTrue(chardev.isOpen());
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
    @DisplayName("CH-22 signal=on leaves Ctrl-C to the terminal")
    void shouldNotPassInterruptKeyByDefault() throws Exception {
        onTerminal();
        RecordingHandler front = start(true);

        outside.write("\u0003a");
        fixture.loop().settle();

        assertEquals("a", front.text());
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
