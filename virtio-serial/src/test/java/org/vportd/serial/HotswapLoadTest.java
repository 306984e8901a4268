package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.backend.RingbufChardev;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;

/** Real descriptors that take each other's place a thousand times while a guest writes as fast as it can. */
class HotswapLoadTest {
    private static final int CHANGES = 1_000;
    private static final int BUFFER_LENGTH = 1 << 20;

    @TempDir
    private Path folder;

    private final long memory = NativeMemory.allocate(BUFFER_LENGTH);
    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final StringBuilder sent = new StringBuilder();
    private final StringBuilder got = new StringBuilder();
    private DeviceUnderTest dut;
    private Chardevs chardevs;
    private Fd listener;
    private SerialPort port;

    @BeforeEach
    void open() throws Exception {
        dut = new DeviceUnderTest(8);
        chardevs = BuiltinTypes.table(dut.loop(), ChardevServices.NONE);
        listener = UnixAddress.ofPath(folder.resolve("listener").toString()).listen(1);
        chardevs.add(options("ringbuf,id=c,size=1M"));
        port = dut.channel(chardev());
        dut.boot();
    }

    @AfterEach
    void close() {
        chardevs.close();
        dut.close();
        listener.close();
        NativeMemory.free(memory);
    }

    private static Options options(String text) {
        return Options.parse(text, "backend", warning -> {});
    }

    private Chardev chardev() {
        Chardev found = chardevs.find("c");
        if (found == null) {
            throw new AssertionError("has gone");
        }
        return found;
    }

    /** What one chardev gets, and where that is found once it has been replaced. */
    private abstract static class Epoch {
        final String options;

        Epoch(String options) {
            this.options = options;
        }

        /** Called once the chardev is there. */
        void begun() throws IOException {}

        /** Called just before the chardev is replaced. */
        void leave() {}

        /** Takes some of it early, so that there is room. */
        abstract void drain(StringBuilder into) throws IOException;

        abstract void end(StringBuilder into) throws IOException;
    }

    private String readAll(Fd fd) throws PosixException {
        StringBuilder text = new StringBuilder();
        long n = Posix.read(fd, memory, BUFFER_LENGTH);
        while (n > 0) {
            byte[] bytes = new byte[(int) n];
            NativeMemory.get(memory, bytes, 0, bytes.length);
            text.append(new String(bytes, StandardCharsets.US_ASCII));
            n = Posix.read(fd, memory, BUFFER_LENGTH);
        }
        return text.toString();
    }

    private Epoch ringbuf() {
        return new Epoch("ringbuf,size=1M") {
            private @Nullable RingbufChardev ringbuf;
            private String kept = "";

            @Override
            void begun() {
                ringbuf = (RingbufChardev) chardev();
            }

            @Override
            void leave() {
                if (ringbuf != null) { // what it keeps goes with it
                    kept = new String(ringbuf.read(BUFFER_LENGTH), StandardCharsets.US_ASCII);
                }
            }

            @Override
            void drain(StringBuilder into) {}

            @Override
            void end(StringBuilder into) {
                into.append(kept);
            }
        };
    }

    private Epoch file(int number) {
        Path path = folder.resolve("file" + number);
        return new Epoch("file,path=" + path) {
            @Override
            void drain(StringBuilder into) {}

            @Override
            void end(StringBuilder into) throws IOException {
                into.append(Files.readString(path));
                Files.delete(path);
            }
        };
    }

    private Epoch descriptor(String options, Fd first, boolean accepts) {
        return new Epoch(options) {
            private Fd fd = first;

            @Override
            void begun() throws IOException {
                if (accepts) {
                    Fd accepted = Sockets.accept(fd);
                    if (accepted == null) {
                        throw new AssertionError("has not connected");
                    }
                    fd = accepted;
                }
            }

            @Override
            void drain(StringBuilder into) throws IOException {
                into.append(readAll(fd));
            }

            @Override
            void end(StringBuilder into) throws IOException {
                into.append(readAll(fd));
                fd.close();
            }
        };
    }

    private Epoch next(int number) throws PosixException {
        return switch (random.nextInt(4)) {
            case 0 -> ringbuf();
            case 1 -> file(number);
            case 2 -> descriptor("socket,path=" + folder.resolve("listener"), listener, true);
            default -> {
                String fifo = folder.resolve("fifo" + number).toString();
                Posix.makeFifo(fifo, 0600);
                yield descriptor("pipe,path=" + fifo, Posix.open(fifo, Posix.O_RDWR | Posix.O_NONBLOCK, 0), false);
            }
        };
    }

    private void write(int most) {
        for (int i = 0; i < most && dut.tx(port).ring().free() > 4; i++) {
            StringBuilder text = new StringBuilder();
            int length = 4 + random.nextInt(8_000);
            while (text.length() < length) {
                text.append('<').append(sent.length() + text.length()).append('>');
            }
            int cut = 1 + random.nextInt(text.length() - 1);
            dut.tx(port).send(text.substring(0, cut), text.substring(cut));
            sent.append(text);
        }
    }

    @Test
    @DisplayName("CH-38 1000 changes between sockets, FIFOs, files and memory: every byte once and in order")
    void shouldLoseNothingWhenDescriptorsAreChangedUnderLoad() throws Exception {
        Epoch current = ringbuf();
        current.begun();
        long throttled = 0;
        for (int i = 0; i < CHANGES; i++) {
            write(random.nextInt(40));
            for (int turns = random.nextInt(4); turns > 0; turns--) {
                dut.loop().turn(0);
            }
            if (random.nextBoolean()) {
                current.drain(got);
            }
            throttled += port.isThrottled() ? 1 : 0;
            Epoch next = next(i);
            current.leave();
            change(next.options);
            next.begun();
            current.end(got);
            current = next;
            dut.tx(port).completed();
        }
        Epoch last = current;
        dut.until("all has arrived", () -> {
            try {
                last.drain(got);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
            dut.settle();
            return !port.isThrottled();
        });
        current.leave();
        current.end(got);
        assertEquals(sent.length(), got.length(), "seed=" + seed);
        assertTrue(sent.toString().contentEquals(got), "seed=" + seed);
        assertTrue(throttled > 0, "never throttled: seed=" + seed);
    }

    private void change(String to) throws ConfigException {
        chardevs.change("c", options(to));
    }
}
