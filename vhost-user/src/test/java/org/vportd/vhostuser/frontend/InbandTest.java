package org.vportd.vhostuser.frontend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.vhostuser.backend.BackendOptions;

/** A guest without descriptors for kicks and calls: both are messages, and it hears nothing while it waits for an answer. */
@Timeout(60)
class InbandTest {
    private static final int SIZE = 400_000;

    @TempDir
    private Path directory;

    private BackendFixture backend;

    @BeforeEach
    void open() throws Exception {
        backend = new BackendFixture(directory, new RingFormat(true, false), new BackendOptions(false, true));
    }

    @AfterEach
    void close() {
        backend.close();
    }

    private ConsoleDriver start(ConsoleOptions options) throws IOException {
        ConsoleDriver driver = ConsoleDriver.start(backend.socket.toString(), FrontendOptions.of(Manner.UML), options);
        assertTrue(driver.frontend().isInband());
        return driver;
    }

    private static SocketChannel peer(Path path) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(path));
    }

    private static byte[] receive(SocketChannel peer, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining()) {
            assertTrue(peer.read(buffer) > 0, "peer is closed");
        }
        return buffer.array();
    }

    private static byte[] random(int seed) {
        byte[] bytes = new byte[SIZE];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    /** What the host has received, and has sent meanwhile. */
    private static CompletableFuture<byte[]> exchange(SocketChannel peer, byte[] toGuest) {
        CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
            try {
                ByteBuffer buffer = ByteBuffer.wrap(toGuest);
                while (buffer.hasRemaining()) {
                    peer.write(buffer);
                }
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        return CompletableFuture.supplyAsync(() -> {
                    try {
                        return receive(peer, SIZE);
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                })
                .thenCombine(sent, (received, nothing) -> received);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldMoveEverythingBothWaysAtOnce(boolean packed) throws Exception {
        byte[] toGuest = random(1);
        byte[] toHost = random(2);
        try (ConsoleDriver driver = start(ConsoleOptions.linux().withFormat(new RingFormat(packed, false)));
                SocketChannel peer = peer(backend.portPeer)) {
            driver.awaitHostOpen(1);
            driver.open(1);
            CompletableFuture<byte[]> host = exchange(peer, toGuest);
            byte[] received = new byte[SIZE];
            int[] done = new int[2];
            ConsolePort port = driver.port(1);
            driver.await("all has moved", () -> {
                done[0] += port.write(toHost, done[0], SIZE - done[0]);
                done[1] += port.read(received, done[1], SIZE - done[1]);
                return done[0] == SIZE && done[1] == SIZE && port.isFlushed();
            });
            assertArrayEquals(toGuest, received);
            assertArrayEquals(toHost, host.get(20, TimeUnit.SECONDS));
            assertTrue(port.tx().kicks() > 0);
            byte[] one = new byte[1];
            driver.await("it is called, having nothing to do", () -> {
                int unused = port.read(one, 0, 1) + peer.write(ByteBuffer.wrap(one));
                return port.rx().calls() > 0;
            });
        }
    }

    @Test
    void shouldLoseNothingWhenStoppedResumedAndRestarted() throws Exception {
        try (ConsoleDriver driver = start(ConsoleOptions.linux());
                SocketChannel peer = peer(backend.portPeer)) {
            for (int i = 0; i < 3; i++) {
                driver.awaitHostOpen(1);
                driver.open(1);
                for (int j = 0; j < 5; j++) {
                    driver.write(1, new byte[] {1, 2, 3});
                    driver.stop();
                    peer.write(ByteBuffer.wrap(new byte[] {4, 5, 6, 7}));
                    driver.resume();
                    assertArrayEquals(new byte[] {1, 2, 3}, receive(peer, 3));
                    assertArrayEquals(new byte[] {4, 5, 6, 7}, driver.read(1, 4));
                }
                driver.restart(false);
            }
        }
    }

    @Test
    void shouldAcknowledgeKicksWhenNobodyHearsCalls() throws Exception {
        int kicks = 5000; // more calls than the channel holds
        try (ConsoleDriver driver = start(ConsoleOptions.linux().withoutEventIdx());
                SocketChannel peer = peer(backend.portPeer)) {
            driver.awaitHostOpen(1);
            driver.open(1);
            ConsolePort port = driver.port(1);
            int sent = 0;
            for (int i = 0; i < kicks; i++) {
                if (sent < SIZE) {
                    sent += port.write(new byte[] {(byte) sent}, 0, 1);
                }
                driver.frontend().vrings().kick(port.tx().index()); // throws if it is not answered in time
            }
            assertTrue(sent > 256, "sent=" + sent);
            byte[] received = receive(peer, sent);
            for (int i = 0; i < sent; i++) {
                assertEquals((byte) i, received[i]);
            }
            assertTrue(driver.frontend().backendRequests().take() > 0);
            peer.write(ByteBuffer.wrap(new byte[] {9}));
            assertArrayEquals(new byte[] {9}, driver.read(1, 1)); // calls go on
        }
    }

    @Test
    void shouldHearOfBrokenRing() throws Exception {
        try (ConsoleDriver driver = start(ConsoleOptions.linux())) {
            driver.awaitPort(1);
            DriverRing tx = driver.port(1).tx();
            tx.driver().addReadable(1L << 50, 1, 0); // no memory there
            tx.driver().publish();
            tx.kick();
            driver.await(
                    "ring is said to be broken",
                    () -> driver.frontend().backendRequests().isBroken(tx.index()));
            assertFalse(driver.frontend()
                    .backendRequests()
                    .isBroken(driver.port(0).tx().index()));
        }
    }

    @Test
    void shouldUseDescriptorsWhenItWasNotAgreedUpon() throws Exception {
        FrontendOptions options = FrontendOptions.of(Manner.UML).without(VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS);
        try (ConsoleDriver driver = ConsoleDriver.start(backend.socket.toString(), options, ConsoleOptions.linux());
                SocketChannel peer = peer(backend.portPeer)) {
            assertFalse(driver.frontend().isInband());
            driver.awaitHostOpen(1);
            driver.open(1);
            driver.write(1, new byte[] {1});
            assertArrayEquals(new byte[] {1}, receive(peer, 1));
        }
    }

    @Test
    void shouldPassAllChecks() throws Exception {
        List<String> lines = new ArrayList<>();
        boolean passed = ConformanceCheck.run(backend.socket.toString(), 1, RingFormat.SPLIT, lines::add);
        assertTrue(passed, () -> String.join("\n", lines));
    }
}
