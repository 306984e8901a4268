package org.vportd.vhostuser.frontend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class FlowLoopTest {
    private static final int BLOCK = 1000;
    private static final int HALT_MS = 10_000;

    @TempDir
    private Path directory;

    private BackendFixture backend;

    @BeforeEach
    void open() throws Exception {
        backend = new BackendFixture(directory, new RingFormat(true, true));
    }

    @AfterEach
    void close() {
        backend.close();
    }

    private ConsoleDriver start(RingFormat format) throws IOException {
        ConsoleOptions options = ConsoleOptions.linux()
                .withQueueSize(64)
                .withBufferBytes(BLOCK)
                .withFormat(format)
                .withExtraBytes(1 << 18);
        return ConsoleDriver.start(backend.socket.toString(), FrontendOptions.of(Manner.QEMU), options);
    }

    private static SocketChannel peer(Path path) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(path));
    }

    private static long read(SocketChannel peer, long bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
        long done = 0;
        while (done < bytes) {
            int n = peer.read(buffer.clear().limit((int) Math.min(buffer.capacity(), bytes - done)));
            assertTrue(n > 0, "peer is closed");
            done += n;
        }
        return done;
    }

    @ParameterizedTest
    @CsvSource({"false, false, 0", "true, false, 20000", "true, true, 0"})
    void shouldMoveAsMuchAsThePeersTakeOnTwoPortsAtOnce(boolean packed, boolean inOrder, long spinNs) throws Exception {
        try (ConsoleDriver driver = start(new RingFormat(packed, inOrder));
                SocketChannel console = peer(backend.consolePeer);
                SocketChannel channel = peer(backend.portPeer)) {
            driver.awaitHostOpen(0);
            driver.awaitHostOpen(1);
            driver.open(1);
            PortFlow output = PortFlow.transmit(driver, 1, BLOCK, 64);
            PortFlow input = PortFlow.receive(driver, 0);
            try (FlowLoop loop = new FlowLoop(List.of(output, input), spinNs)) {
                assertTrue(Files.isDirectory(loop.task()));
                assertEquals(0, output.buffers());
                loop.go();
                long bytes = read(channel, 500 * BLOCK);
                ByteBuffer sent = ByteBuffer.allocate(200 * BLOCK);
                while (sent.hasRemaining()) {
                    console.write(sent);
                }
                channel.configureBlocking(false);
                bytes += haltWhileReading(loop, channel);
                assertEquals(output.bytes(), bytes);
                assertEquals(output.bytes(), output.buffers() * BLOCK);
                assertTrue(output.kicks() > 0);
                assertTrue(spinNs > 0 || output.calls() > 0);
                loop.go();
                while (input.bytes() < 200 * BLOCK) {
                    loop.throwFailure();
                    channel.read(ByteBuffer.allocate(1 << 16));
                }
                assertEquals(200 * BLOCK, input.bytes());
            }
        }
    }

    /** What has been sent must be taken before the loop stands still, and what is in the socket counts as taken. */
    private static long haltWhileReading(FlowLoop loop, SocketChannel channel) throws Exception {
        Thread halting = new Thread(() -> {
            try {
                loop.halt(HALT_MS);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        halting.start();
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
        long bytes = 0;
        boolean last = false;
        while (true) {
            int n = channel.read(buffer.clear());
            bytes += Math.max(0, n);
            if (n <= 0 && last) {
                return bytes;
            }
            last = !halting.isAlive();
        }
    }

    @Test
    void shouldNotStandStillWhenNobodyTakesWhatWasSent() throws Exception {
        try (ConsoleDriver driver = start(RingFormat.SPLIT);
                SocketChannel channel = peer(backend.portPeer)) {
            driver.awaitHostOpen(1);
            driver.open(1);
            PortFlow output = PortFlow.transmit(driver, 1, BLOCK, 64);
            try (FlowLoop loop = new FlowLoop(List.of(output), 0)) {
                assertTrue(channel.isConnected()); // and never reads
                // As long as the socket has room it stands still; then it cannot.
                FrontendException stuck = assertThrows(FrontendException.class, () -> {
                    while (true) {
                        loop.go();
                        loop.halt(50);
                    }
                });
                assertEquals("device does not take what it was given: timeout=50ms", stuck.getMessage());
                assertTrue(output.buffers() > 0);
            }
        }
    }

    @Test
    void shouldTimeRoundTripsAndRefuseBlocksThatDoNotFit() throws Exception {
        try (ConsoleDriver driver = start(RingFormat.SPLIT);
                SocketChannel channel = peer(backend.portPeer)) {
            driver.awaitHostOpen(1);
            driver.open(1);
            Thread echo = new Thread(() -> echo(channel));
            echo.start();
            try (PortPing ping = new PortPing(driver, 1, 64)) {
                for (int i = 0; i < 500; i++) {
                    assertTrue(ping.exchange(HALT_MS) > 0);
                }
            }
            assertThrows(IllegalArgumentException.class, () -> new PortPing(driver, 1, BLOCK + 1));
            channel.shutdownInput();
            echo.join(HALT_MS);
        }
    }

    private static void echo(SocketChannel channel) {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        try {
            while (channel.read(buffer.clear()) > 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
