package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.backend.PtyChardev;
import org.vportd.chardev.backend.RingbufChardev;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.Terminals;
import org.vportd.posix.UnixAddress;

/** Every type of chardev in the place of every other one, under a port in use. */
class HotswapMatrixTest {
    private static final int BUFFER_LENGTH = 4096;

    @TempDir
    private Path folder;

    private final long memory = NativeMemory.allocate(BUFFER_LENGTH);
    private final List<Fd> ours = new ArrayList<>();
    private DeviceUnderTest dut;
    private Chardevs chardevs;
    private int made;

    /** A type: how one is asked for, and whether what it gets can be looked at. */
    private enum Kind {
        NULL(false),
        FILE(true),
        PIPE(true),
        PTY(true),
        SERVER(true),
        CLIENT(true),
        SERIAL(true),
        RINGBUF(true),
        MUX(true),
        HUB(true),
        UDP(false),
        VC(false),
        TESTDEV(false);

        private final boolean visible;

        Kind(boolean visible) {
            this.visible = visible;
        }
    }

    @BeforeEach
    void open() throws PosixException, ConfigException {
        dut = new DeviceUnderTest(8);
        chardevs = BuiltinTypes.table(dut.loop(), ChardevServices.NONE);
    }

    @AfterEach
    void close() {
        chardevs.close();
        dut.close();
        ours.forEach(Fd::close);
        NativeMemory.free(memory);
    }

    static Stream<Arguments> pairs() {
        return Arrays.stream(Kind.values())
                .flatMap(from -> Arrays.stream(Kind.values()).map(to -> Arguments.of(from, to)));
    }

    private Path path(String name) {
        return folder.resolve(name);
    }

    /** Gets ready what such a chardev needs, and writes its options. */
    private String options(Kind kind) throws IOException, PosixException, ConfigException {
        int n = made++;
        return switch (kind) {
            case NULL -> "null";
            case FILE -> "file,path=" + path("file" + n);
            case PIPE -> {
                Posix.makeFifo(path("fifo" + n).toString(), 0600);
                yield "pipe,path=" + path("fifo" + n);
            }
            case PTY -> "pty,path=" + path("pty" + n);
            case SERVER -> "socket,server=on,wait=off,path=" + path("server" + n);
            case CLIENT -> {
                ours.add(UnixAddress.ofPath(path("client" + n).toString()).listen(1));
                yield "socket,path=" + path("client" + n);
            }
            case SERIAL -> {
                Terminals.Pty line = Terminals.openPty();
                ours.add(line.master());
                yield "serial,path=" + line.slavePath();
            }
            case RINGBUF -> "ringbuf,size=4k";
            case MUX -> {
                add("ringbuf,size=4k,id=base" + n);
                yield "mux,chardev=base" + n;
            }
            case HUB -> {
                add("ringbuf,size=4k,id=one" + n);
                add("file,id=two" + n + ",path=" + path("file" + n));
                yield "hub,chardevs.0=one" + n + ",chardevs.1=two" + n;
            }
            case UDP -> "udp,host=127.0.0.1,port=9";
            case VC -> "vc";
            case TESTDEV -> "testdev";
        };
    }

    private Chardev add(String options) throws ConfigException {
        return chardevs.add(parse(options));
    }

    private static Options parse(String options) {
        return Options.parse(options, "backend", warning -> {});
    }

    /** Reads what has come out of a chardev at its far end, until it is as expected. */
    private void expect(Chardev chardev, String options, String expected) throws IOException, PosixException {
        if (chardev instanceof RingbufChardev ringbuf) {
            dut.until(expected, () -> ringbuf.size() == expected.length());
            assertEquals(expected, new String(ringbuf.read(BUFFER_LENGTH), StandardCharsets.US_ASCII));
            return;
        }
        String type = options.substring(0, options.indexOf(','));
        String last = options.substring(options.lastIndexOf('=') + 1);
        switch (type) {
            case "file" -> {
                dut.settle();
                assertEquals(expected, Files.readString(Path.of(last)));
            }
            case "mux" -> expect(find(last), "", expected);
            case "hub" -> {
                expect(find("one" + last.substring(3)), "", expected);
                dut.settle();
                assertEquals(expected, Files.readString(path("file" + last.substring(3))));
            }
            default -> expectFrom(ours.get(ours.size() - 1), expected);
        }
    }

    private Chardev find(String id) {
        Chardev found = chardevs.find(id);
        if (found == null) {
            throw new AssertionError("none: " + id);
        }
        return found;
    }

    private void expectFrom(Fd fd, String expected) {
        StringBuilder text = new StringBuilder();
        dut.until(expected, () -> {
            text.append(read(fd));
            return text.length() >= expected.length();
        });
        assertEquals(expected, text.toString());
    }

    private String read(Fd fd) {
        try {
            int n = (int) Posix.read(fd, memory, BUFFER_LENGTH);
            byte[] bytes = new byte[Math.max(0, n)];
            NativeMemory.get(memory, bytes, 0, bytes.length);
            return new String(bytes, StandardCharsets.US_ASCII);
        } catch (PosixException e) {
            throw new AssertionError(e);
        }
    }

    /** Has the peer come that such a chardev waits for. */
    private void connect(Kind kind, Chardev chardev, String options) throws IOException, PosixException {
        String last = options.substring(options.lastIndexOf('=') + 1);
        switch (kind) {
            case PIPE -> ours.add(Posix.open(last, Posix.O_RDWR | Posix.O_NONBLOCK, 0));
            case PTY ->
                ours.add(Posix.open(
                        ((PtyChardev) chardev).slavePath(), Posix.O_RDWR | Posix.O_NONBLOCK | Posix.O_NOCTTY, 0));
            case SERVER -> ours.add(UnixAddress.ofPath(last).connect());
            case CLIENT -> accept();
            default -> {}
        }
        if (kind != Kind.NULL && kind != Kind.UDP) {
            dut.until("open", chardev::isOpen);
        }
        dut.settle();
    }

    private void accept() {
        Fd listener = ours.get(ours.size() - 1);
        dut.until("connection", () -> {
            try {
                Fd connection = Sockets.accept(listener);
                if (connection != null) {
                    ours.add(connection);
                }
                return connection != null;
            } catch (PosixException e) {
                throw new AssertionError(e);
            }
        });
    }

    private void send(SerialPort port, String text) {
        dut.tx(port).send(text.substring(0, 2), text.substring(2));
        dut.settle();
    }

    @ParameterizedTest(name = "{0} to {1}")
    @MethodSource("pairs")
    @DisplayName("CH-31 CH-32 CH-36 from any type to any type, and what follows reaches the new one, all of it")
    void shouldCarryOnWhenTypeChanges(Kind from, Kind to) throws Exception {
        String before = options(from);
        Chardev old = add(before + ",id=c");
        connect(from, old, before);
        SerialPort console = dut.console(old);
        dut.boot();
        send(console, "before");
        if (from.visible) {
            expect(old, before, "before");
        }
        int oursBefore = ours.size();
        String after = options(to);
        Chardev successor = chardevs.change("c", parse(after));
        assertFalse(old.isBusy());
        assertEquals(
                List.of(console.id()),
                dut.device().ports().stream().map(SerialPort::id).toList());
        connect(to, successor, after);
        send(console, "after the change");
        if (to.visible) {
            expect(successor, after, "after the change");
        }
        assertTrue(console.isHostConnected());
        assertEquals(0, console.droppedBytes());
        assertTrue(ours.size() >= oursBefore);
    }

    @Test
    void shouldKnowEveryTypeThatCanBeTriedHere() {
        List<String> tried = Arrays.stream(Kind.values())
                .map(kind -> switch (kind) {
                    case SERVER, CLIENT -> "socket";
                    default -> kind.name().toLowerCase(Locale.ROOT);
                })
                .toList();
        List<String> missing = chardevs.typeNames().stream()
                .filter(name -> !tried.contains(name))
                .toList();
        assertEquals(List.of("memory", "mux-be", "parallel", "stdio"), missing);
    }
}
