package org.vportd.vhostuser.frontend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vportd.vhostuser.backend.BackendOptions;

/** A driver behind an IOMMU that takes mappings back and moves pages while buffers are in flight. */
@Timeout(60)
class IommuLoadTest {
    private static final RingFormat ALL = new RingFormat(true, true);
    private static final int TOTAL = Integer.getInteger("vportd.iommu.bytes", 1 << 20);
    private static final long DATA = 1L << 32;
    private static final Duration LIMIT = Duration.ofSeconds(40);

    @TempDir
    private Path directory;

    private BackendFixture backend;

    @BeforeEach
    void open() throws Exception {
        backend = new BackendFixture(directory, ALL, BackendOptions.defaults().withIommu());
    }

    @AfterEach
    void close() {
        backend.close();
    }

    static Stream<RingFormat> formats() {
        return Stream.of(RingFormat.SPLIT, new RingFormat(true, false), ALL);
    }

    private ConsoleDriver start(Manner manner, ConsoleOptions options) throws IOException {
        return ConsoleDriver.start(backend.socket.toString(), FrontendOptions.of(manner), options);
    }

    private static FrontendIommu iommu(ConsoleDriver driver) {
        FrontendIommu iommu = driver.frontend().iommu();
        assertNotNull(iommu);
        return iommu;
    }

    /** One way of a stream: bytes that tell their position. */
    private static final class Source {
        private final byte[] block = new byte[16384];
        private long position;
        private int done = block.length;

        private void refill() {
            if (done == block.length) {
                StreamPattern.fill(ByteBuffer.wrap(block), position);
                position += block.length;
                done = 0;
            }
        }
    }

    /** What goes on while data moves. */
    private static final class Traffic {
        private final ConsoleDriver driver;
        private final ConsolePort port;
        private final SocketChannel peer;
        private final SplittableRandom random;
        private final Source output = new Source();
        private final Source input = new Source();
        private final byte[] in = new byte[16384];
        private final ByteBuffer out = ByteBuffer.allocate(32768);
        private long received;
        private long read;
        private int moved;

        Traffic(ConsoleDriver driver, SocketChannel peer, long seed) {
            this.driver = driver;
            this.port = driver.port(1);
            this.peer = peer;
            this.random = new SplittableRandom(seed);
        }

        /** Moves a little both ways; whether everything has arrived. */
        boolean step() throws IOException {
            output.refill();
            output.done += port.write(output.block, output.done, output.block.length - output.done);
            input.refill();
            input.done += peer.write(ByteBuffer.wrap(input.block, input.done, input.block.length - input.done));
            disturb();
            out.clear().limit(random.nextInt(3) == 0 ? out.capacity() : 0); // slow enough to throttle the port
            int n = peer.read(out);
            out.flip();
            assertEquals(StreamPattern.NONE, StreamPattern.firstMismatch(out, received), "output differs");
            received += n;
            int limit = random.nextInt(in.length) + 1;
            int length = port.read(in, 0, limit);
            assertEquals(
                    StreamPattern.NONE,
                    StreamPattern.firstMismatch(ByteBuffer.wrap(in, 0, length), read),
                    "input differs");
            read += length;
            return received >= TOTAL && read >= TOTAL;
        }

        private void disturb() throws IOException {
            FrontendIommu iommu = iommu(driver);
            List<Long> mapped = iommu.mapped();
            int what = random.nextInt(40);
            if (mapped.isEmpty() || what > 30) {
                return;
            }
            long page = mapped.get(random.nextInt(mapped.size()));
            if (what == 0) {
                iommu.unmapAll();
            } else if (what == 1 || page < DATA) {
                if (what < 10) {
                    iommu.unmap(page); // often that of a ring
                }
            } else {
                iommu.move(page);
                moved++;
            }
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void shouldLoseNothingWhenMappingsGoWhileBuffersAreInFlight(RingFormat format) throws Exception {
        long seed = System.nanoTime();
        ConsoleOptions options =
                ConsoleOptions.linux().withQueueSize(64).withFormat(format).withIommu();
        try (ConsoleDriver driver = start(Manner.QEMU, options);
                SocketChannel peer = SocketChannel.open(UnixDomainSocketAddress.of(backend.portPeer))) {
            driver.awaitHostOpen(1);
            driver.open(1);
            peer.configureBlocking(false);
            Traffic traffic = new Traffic(driver, peer, seed);
            assertTrue(
                    driver.await(LIMIT, traffic::step),
                    () -> "stuck: seed=" + seed + " received=" + traffic.received + " read=" + traffic.read);
            assertTrue(traffic.moved > 10, () -> "moved=" + traffic.moved);
            assertEquals(0, iommu(driver).faults());
            driver.stop();
        } catch (AssertionError e) {
            throw new AssertionError("seed=" + seed, e);
        }
    }

    @Test
    void shouldPassAllChecks() throws Exception {
        List<String> lines = new ArrayList<>();
        boolean passed = ConformanceCheck.run(backend.socket.toString(), 1, RingFormat.SPLIT, lines::add);
        assertTrue(passed, () -> String.join("\n", lines));
        for (Manner manner : Manner.values()) {
            assertTrue(lines.contains("PASS driver behind an IOMMU in the manner of " + manner), manner::toString);
        }
        assertTrue(lines.contains("PASS translations that have gone are not used"));
    }

    @Test
    void shouldSayWhatIsMissingWhenThereIsNoIommu() throws Exception {
        backend.close();
        backend = new BackendFixture(Files.createDirectory(directory.resolve("other")), ALL);
        FrontendException e = assertThrows(
                FrontendException.class,
                () -> start(Manner.QEMU, ConsoleOptions.linux().withIommu()));
        assertTrue(String.valueOf(e.getMessage()).startsWith("device does not offer VIRTIO_F_ACCESS_PLATFORM"));
    }
}
