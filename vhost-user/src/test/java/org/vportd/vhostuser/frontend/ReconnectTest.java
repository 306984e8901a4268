package org.vportd.vhostuser.frontend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.vportd.vhostuser.protocol.ProtocolFeature;

/** A front-end whose connection is lost in the middle of traffic, again and again, while guest and peers go on. */
class ReconnectTest {
    private static final int PORT = 1;

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

    static Stream<Arguments> cases() {
        return Stream.of(Manner.QEMU, Manner.CLOUD_HYPERVISOR)
                .flatMap(manner -> Stream.of(false, true)
                        .flatMap(noted -> Stream.of(0, 1, 2, 3)
                                .map(i -> Arguments.of(manner, noted, new RingFormat((i & 1) != 0, (i & 2) != 0)))));
    }

    private VhostUserFrontend connect(FrontendOptions options) throws Exception {
        return VhostUserFrontend.connect(backend.socket.toString(), options);
    }

    @ParameterizedTest
    @MethodSource("cases")
    @DisplayName(
            "VS-43 a connection of the front-end that is lost costs nothing and repeats nothing, in either direction")
    void shouldLoseAndRepeatNothing(Manner manner, boolean noted, RingFormat format) throws Exception {
        int bit = ProtocolFeature.VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD;
        FrontendOptions options = FrontendOptions.of(manner);
        options = noted ? options.with(bit) : options.without(bit);
        ConsoleOptions console = ConsoleOptions.linux()
                .withQueueSize(format.packed() ? 5 : 4)
                .withBufferBytes(100)
                .withFormat(format);
        SplittableRandom random = new SplittableRandom(17);
        try (ConsoleDriver driver = ConsoleDriver.start(backend.socket.toString(), options, console);
                SocketChannel peer = SocketChannel.open(UnixDomainSocketAddress.of(backend.portPeer))) {
            assertEquals(noted, driver.frontend().notesInflight());
            ConsolePort port = driver.awaitHostOpen(PORT);
            driver.open(PORT);
            driver.await(
                    "all ports are known",
                    () -> driver.port(0).isHostOpen()
                            && driver.port(0).isGuestOpen()
                            && driver.port(2).isPresent()
                            && !port.name().isEmpty());
            List<ControlMessage> messages = driver.controlLog();
            for (int round = 0; round < 15; round++) {
                byte[] out = new byte[1 + random.nextInt(350)];
                byte[] in = new byte[1 + random.nextInt(350)];
                random.nextBytes(out);
                random.nextBytes(in);
                int written = port.write(out, 0, out.length);
                assertEquals(in.length, peer.write(ByteBuffer.wrap(in)));
                if (random.nextBoolean()) {
                    driver.turn(0);
                }
                driver.disconnect();
                byte[] read = new byte[in.length];
                int done = random.nextBoolean() ? port.read(read, 0, in.length) : 0; // the guest lives on
                driver.reconnect(connect(options));
                byte[] rest = new byte[out.length - written];
                System.arraycopy(out, written, rest, 0, rest.length);
                driver.write(PORT, rest);
                byte[] more = driver.read(PORT, in.length - done);
                System.arraycopy(more, 0, read, done, more.length);
                assertArrayEquals(in, read);
                driver.await("output is taken", port::isFlushed);
                ByteBuffer received = ByteBuffer.allocate(out.length);
                while (received.hasRemaining()) {
                    assertTrue(peer.read(received) > 0);
                }
                assertArrayEquals(out, received.array());
            }
            assertTrue(port.isHostOpen());
            assertEquals(messages, driver.controlLog(), "control messages");
        }
    }
}
