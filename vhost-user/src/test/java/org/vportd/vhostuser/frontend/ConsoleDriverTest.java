package org.vportd.vhostuser.frontend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vportd.serial.ConsoleLayout;

@Timeout(60)
class ConsoleDriverTest {
    @TempDir
    private Path directory;

    private BackendFixture backend;

    @BeforeEach
    void open() throws Exception {
        backend = new BackendFixture(directory);
    }

    @AfterEach
    void close() throws Exception {
        backend.close();
    }

    private ConsoleDriver start(Manner manner, ConsoleOptions options) throws IOException {
        return ConsoleDriver.start(backend.socket.toString(), FrontendOptions.of(manner), options);
    }

    private static SocketChannel peer(Path path) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(path));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] receive(SocketChannel peer, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining()) {
            assertTrue(peer.read(buffer) > 0, "peer is closed");
        }
        return buffer.array();
    }

    @ParameterizedTest
    @EnumSource
    void shouldAnnouncePortsInOrderWhenDriverIsReady(Manner manner) throws Exception {
        try (ConsoleDriver driver = start(manner, ConsoleOptions.linux());
                SocketChannel peer = peer(backend.portPeer)) {
            assertTrue(peer.isConnected());
            ConsolePort console = driver.awaitHostOpen(0);
            ConsolePort port = driver.awaitHostOpen(1);
            driver.awaitPort(2);
            assertTrue(driver.isMultiport());
            assertEquals(4, driver.maxPorts());
            assertTrue(console.isConsole());
            assertTrue(console.isGuestOpen());
            assertFalse(port.isConsole());
            assertEquals("org.test.0", port.name());
            List<Integer> added = driver.controlLog().stream()
                    .filter(m -> m.event() == ConsoleLayout.VIRTIO_CONSOLE_PORT_ADD)
                    .map(ControlMessage::port)
                    .toList();
            assertEquals(List.of(0, 1, 2), added);
            assertFalse(driver.port(2).isHostOpen());
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldMoveBytesBothWaysWhenPortIsOpen(Manner manner) throws Exception {
        try (ConsoleDriver driver = start(manner, ConsoleOptions.linux());
                SocketChannel peer = peer(backend.portPeer)) {
            driver.awaitHostOpen(1);
            driver.open(1);
            driver.write(1, bytes("to the host"));
            assertArrayEquals(bytes("to the host"), receive(peer, 11));
            peer.write(ByteBuffer.wrap(bytes("to the guest")));
            assertArrayEquals(bytes("to the guest"), driver.read(1, 12));
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldServePortZeroWhenThereIsNoMultiport(Manner manner) throws Exception {
        try (ConsoleDriver driver = start(manner, ConsoleOptions.linux().singlePort());
                SocketChannel peer = peer(backend.consolePeer)) {
            peer.write(ByteBuffer.wrap(bytes("hello")));
            assertArrayEquals(bytes("hello"), driver.read(0, 5));
            driver.write(0, bytes("there"));
            assertArrayEquals(bytes("there"), receive(peer, 5));
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldLoseNothingWhenStoppedAndResumed(Manner manner) throws Exception {
        byte[] all = new byte[300_000];
        new SplittableRandom(1).nextBytes(all);
        try (ConsoleDriver driver = start(manner, ConsoleOptions.linux());
                SocketChannel peer = peer(backend.portPeer)) {
            driver.awaitHostOpen(1);
            driver.open(1);
            Thread sender = new Thread(() -> {
                try {
                    ByteBuffer buffer = ByteBuffer.wrap(all);
                    while (buffer.hasRemaining()) {
                        peer.write(buffer);
                    }
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            sender.start();
            byte[] received = new byte[all.length];
            int at = 0;
            while (at < all.length) {
                int n = Math.min(50_000, all.length - at);
                System.arraycopy(driver.read(1, n), 0, received, at, n);
                at += n;
                driver.stop();
                driver.resume();
            }
            sender.join();
            assertArrayEquals(all, received);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldAnnounceAnewWhenDriverRestarts(Manner manner) throws Exception {
        try (ConsoleDriver driver = start(manner, ConsoleOptions.linux());
                SocketChannel peer = peer(backend.portPeer)) {
            for (boolean announce : new boolean[] {false, true}) {
                driver.awaitHostOpen(1);
                driver.open(1);
                driver.write(1, bytes("x"));
                receive(peer, 1);
                driver.restart(announce);
                assertFalse(driver.port(1).isGuestOpen());
            }
            driver.awaitHostOpen(1);
            driver.open(1);
            peer.write(ByteBuffer.wrap(bytes("again")));
            assertArrayEquals(bytes("again"), driver.read(1, 5));
        }
    }

    @Test
    void shouldWorkWithoutEventIdxAndWithTinyQueues() throws Exception {
        ConsoleOptions options =
                ConsoleOptions.linux().withoutEventIdx().withQueueSize(2).withBufferBytes(3);
        try (ConsoleDriver driver = start(Manner.QEMU, options);
                SocketChannel peer = peer(backend.portPeer)) {
            driver.awaitHostOpen(1);
            driver.open(1);
            byte[] text = bytes("a rather long line through very small buffers");
            driver.write(1, text);
            assertArrayEquals(text, receive(peer, text.length));
            peer.write(ByteBuffer.wrap(text));
            assertArrayEquals(text, driver.read(1, text.length));
        }
    }

    @Test
    void shouldFollowHostSideWhenPeerComesAndGoes() throws Exception {
        try (ConsoleDriver driver = start(Manner.QEMU, ConsoleOptions.linux())) {
            ConsolePort port = driver.awaitPort(1);
            for (int i = 0; i < 3; i++) {
                try (SocketChannel peer = peer(backend.portPeer)) {
                    assertTrue(peer.isConnected());
                    driver.await("open", port::isHostOpen);
                }
                driver.await("closed", () -> !port.isHostOpen());
            }
        }
    }

    @Test
    void shouldServeNextFrontendWhenOneHasLeft() throws Exception {
        for (Manner manner : Manner.values()) {
            try (ConsoleDriver driver = start(manner, ConsoleOptions.linux())) {
                driver.awaitPort(2);
                driver.stop();
            }
        }
    }

    @Test
    void shouldThrowWhenBackendRefuses() throws Exception {
        try (ConsoleDriver driver = start(Manner.UML, ConsoleOptions.linux())) {
            assertThrows(
                    FrontendException.class, () -> driver.frontend().vrings().enable(1000, true));
            assertFalse(driver.await(Duration.ofMillis(1), () -> false));
            driver.awaitPort(0);
        }
    }
}
