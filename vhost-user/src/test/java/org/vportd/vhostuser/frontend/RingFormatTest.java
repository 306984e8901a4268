package org.vportd.vhostuser.frontend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The simulated driver with rings of every format, at a device that offers them. */
@Timeout(60)
class RingFormatTest {
    private static final RingFormat ALL = new RingFormat(true, true);

    @TempDir
    private Path directory;

    private BackendFixture backend;

    @BeforeEach
    void open() throws Exception {
        backend = new BackendFixture(directory, ALL);
    }

    @AfterEach
    void close() throws Exception {
        backend.close();
    }

    static Stream<RingFormat> formats() {
        return Stream.of(new RingFormat(false, true), new RingFormat(true, false), ALL);
    }

    private ConsoleDriver start(Manner manner, ConsoleOptions options) throws Exception {
        return ConsoleDriver.start(backend.socket.toString(), FrontendOptions.of(manner), options);
    }

    @ParameterizedTest
    @MethodSource("formats")
    @DisplayName("VS-43 stops and starts in the middle of traffic, in the manner of every front-end")
    void shouldLoseNothingWhenRingsStopInTheMiddle(RingFormat format) throws Exception {
        for (Manner manner : Manner.values()) {
            ConsoleOptions options = ConsoleOptions.linux()
                    .withQueueSize(format.packed() ? 5 : 4)
                    .withBufferBytes(100)
                    .withFormat(format);
            try (ConsoleDriver driver = start(manner, options);
                    SocketChannel peer = SocketChannel.open(UnixDomainSocketAddress.of(backend.portPeer))) {
                driver.awaitHostOpen(1);
                driver.open(1);
                move(driver, peer, new SplittableRandom(43));
                driver.stop();
            }
        }
    }

    private static void move(ConsoleDriver driver, SocketChannel peer, SplittableRandom random) throws Exception {
        ConsolePort port = driver.port(1);
        for (int round = 0; round < 30; round++) {
            byte[] out = new byte[1 + random.nextInt(350)];
            byte[] in = new byte[1 + random.nextInt(350)];
            random.nextBytes(out);
            random.nextBytes(in);
            int written = port.write(out, 0, out.length);
            assertEquals(in.length, peer.write(ByteBuffer.wrap(in)));
            byte[] read = new byte[in.length];
            int done = random.nextBoolean() ? port.read(read, 0, in.length) : 0;
            if (random.nextBoolean()) {
                driver.stop(); // with buffers on their way
                driver.resume();
            }
            if (written < out.length) {
                byte[] rest = new byte[out.length - written];
                System.arraycopy(out, written, rest, 0, rest.length);
                driver.write(1, rest);
            }
            byte[] more = driver.read(1, in.length - done);
            System.arraycopy(more, 0, read, done, more.length);
            assertArrayEquals(in, read);
            driver.await("output is taken", port::isFlushed);
            ByteBuffer received = ByteBuffer.allocate(out.length);
            while (received.hasRemaining()) {
                assertTrue(peer.read(received) > 0);
            }
            assertArrayEquals(out, received.array());
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void shouldVerifyLoadBothWays(RingFormat format) throws Exception {
        LoadOptions options = new LoadOptions(
                backend.socket.toString(),
                Manner.QEMU,
                1,
                512,
                format.packed() ? 100 : 64,
                60,
                Duration.ofMillis(200),
                "unix:" + backend.portPeer,
                format);
        assertTrue(ConsoleLoad.tx(options).verified());
        assertTrue(ConsoleLoad.rx(options).verified());
        assertTrue(ConsoleLoad.ping(options).blocks() > 0);
    }

    @Test
    void shouldCheckEveryFormatThatIsOffered() throws Exception {
        List<String> lines = new ArrayList<>();
        boolean passed = ConformanceCheck.run(backend.socket.toString(), 1, ALL, lines::add);
        assertTrue(passed, () -> String.join("\n", lines));
        for (String format : new String[] {"split rings in order", "packed rings", "packed rings in order"}) {
            assertTrue(lines.contains("PASS driver restart in the manner of UML with " + format), format);
            assertTrue(lines.contains("PASS buffer outside of memory breaks no more than the device with " + format));
        }
    }

    @Test
    void shouldSayWhatIsMissingWhenFormatIsNotOffered() throws Exception {
        backend.close();
        backend = new BackendFixture(Files.createDirectory(directory.resolve("other")), RingFormat.SPLIT);
        ConsoleOptions options = ConsoleOptions.linux().withFormat(new RingFormat(true, false));
        FrontendException e = assertThrows(FrontendException.class, () -> start(Manner.QEMU, options));
        assertTrue(String.valueOf(e.getMessage()).startsWith("device does not offer packed rings: "), e::getMessage);
        List<String> lines = new ArrayList<>();
        assertFalse(ConformanceCheck.run(backend.socket.toString(), 1, ALL, lines::add));
        assertTrue(
                lines.stream().anyMatch(line -> line.startsWith("FAIL handshake in the manner of QEMU with packed")));
    }
}
