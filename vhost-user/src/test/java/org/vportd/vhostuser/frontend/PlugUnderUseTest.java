package org.vportd.vhostuser.frontend;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vportd.chardev.Chardev;
import org.vportd.serial.PortOptions;
import org.vportd.serial.SerialPort;

/**
 * A port that goes in the middle of anything and comes again with the same number and the same peer, many times. Whatever
 * state it went in, the next one works at once and knows nothing of it.
 */
class PlugUnderUseTest {
    private static final int ROUNDS = Integer.getInteger("vportd.plug.rounds", 150);
    private static final String SEED_PROPERTY = "vportd.plug.seed";
    private static final int PORT = 3;
    private static final int BLOCK = 50_000;
    private static final byte OLD_OUTPUT = '~';

    @TempDir
    private Path directory;

    private @Nullable Chardev chardev;
    private @Nullable SerialPort present;

    /** What the driver does while the port goes. */
    private enum Use {
        NOTHING,
        /** It has written more than the peer's socket takes. */
        FILLED,
        /** It writes on until it hears that the port has gone. */
        WRITING
    }

    static Stream<RingFormat> formats() {
        return Stream.of(RingFormat.SPLIT, new RingFormat(true, true));
    }

    @ParameterizedTest
    @MethodSource("formats")
    @Timeout(3600)
    @DisplayName("VS-35 VS-36 a port that goes while it is used comes again, and works, whatever the rings are like")
    void shouldWorkAgainWhateverStateItWentIn(RingFormat format) throws Exception {
        long seed = Long.getLong(SEED_PROPERTY, System.nanoTime());
        try (BackendFixture backend = new BackendFixture(directory, format)) {
            plugAndUnplug(backend, format, new SplittableRandom(seed));
        } catch (AssertionError | IOException e) {
            throw new AssertionError(SEED_PROPERTY + "=" + seed, e);
        }
    }

    private void plugAndUnplug(BackendFixture backend, RingFormat format, SplittableRandom random) throws Exception {
        Path path = directory.resolve("hot");
        chardev = backend.onLoop(() -> backend.addSocket("hot", path));
        ConsoleOptions options = ConsoleOptions.linux().withFormat(format).withQueueSize(16);
        try (ConsoleDriver driver =
                        ConsoleDriver.start(backend.socket.toString(), FrontendOptions.of(Manner.QEMU), options);
                SocketChannel peer = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            peer.configureBlocking(false);
            boolean plugged = false;
            for (int round = 0; round < ROUNDS; round++) {
                if (!plugged) {
                    present = backend.onLoop(() -> plug(backend));
                }
                awaitNewPort(driver);
                assertWorks(driver, peer, round);
                plugged = random.nextBoolean();
                goWhile(backend, driver, peer, Use.values()[random.nextInt(plugged ? 2 : 3)], plugged);
            }
        }
    }

    private SerialPort plug(BackendFixture backend) throws Exception {
        PortOptions options = new PortOptions(PortOptions.Type.VIRTSERIALPORT, null, PORT, "hot", 0);
        return backend.device().addPort(options, chardev);
    }

    private static void awaitNewPort(ConsoleDriver driver) throws IOException {
        ConsolePort port = driver.port(PORT);
        driver.await("port is there anew", () -> port.isPresent() && port.isHostOpen() && !port.isGuestOpen());
        driver.open(PORT);
    }

    private static void assertWorks(ConsoleDriver driver, SocketChannel peer, int round) throws IOException {
        byte[] line = ("round " + round).getBytes(US_ASCII);
        driver.write(PORT, line);
        ByteBuffer received = ByteBuffer.allocate(line.length);
        driver.await("peer has the line", () -> peer.read(received) >= 0 && !received.hasRemaining());
        assertEquals("round " + round, new String(received.array(), US_ASCII));
        int unused = peer.write(ByteBuffer.wrap(line));
        assertArrayEquals(line, driver.read(PORT, line.length));
    }

    private void goWhile(BackendFixture backend, ConsoleDriver driver, SocketChannel peer, Use use, boolean comesAgain)
            throws Exception {
        byte[] block = new byte[BLOCK];
        Arrays.fill(block, OLD_OUTPUT);
        ConsolePort port = driver.port(PORT);
        while (use == Use.FILLED && (port.write(block, 0, BLOCK) > 0 || !isThrottled(backend))) {
            driver.turn(1);
        }
        CompletableFuture<Boolean> gone = CompletableFuture.supplyAsync(() -> replace(backend, comesAgain));
        while (use == Use.WRITING && port.isPresent()) {
            int unused = port.write(block, 0, BLOCK);
            driver.turn(0);
        }
        boolean unused = gone.get(20, TimeUnit.SECONDS);
        if (!comesAgain) {
            driver.await("port has gone", () -> !port.isPresent());
            driver.await("its output has gone", port::isFlushed);
        }
        takeRest(peer);
    }

    private boolean isThrottled(BackendFixture backend) throws Exception {
        return backend.onLoop(() -> Objects.requireNonNull(present).isThrottled());
    }

    /** The port goes, and another one comes in the same breath if that is asked for. */
    private boolean replace(BackendFixture backend, boolean comesAgain) {
        try {
            return backend.onLoop(() -> {
                SerialPort old = Objects.requireNonNull(present);
                backend.device().removePort(old);
                present = comesAgain ? plug(backend) : null;
                return true;
            });
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** What had got as far as the peer's socket when the port went, and no more. */
    private static void takeRest(SocketChannel peer) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(65536);
        while (peer.read(buffer.clear()) > 0) {
            buffer.flip();
            while (buffer.hasRemaining()) {
                assertEquals(OLD_OUTPUT, buffer.get());
            }
        }
    }
}
