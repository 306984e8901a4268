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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
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
import org.vportd.posix.NativeMemory;
import org.vportd.virtio.driver.DriverMemory;

/** A running guest moves between two back-ends, its memory copied by the dirty log. */
@Timeout(60)
class MigrationTest {
    private static final RingFormat ALL = new RingFormat(true, true);
    private static final int ROUNDS = 4;
    private static final int PAGE = Migration.PAGE_BYTES;
    private static final int PORT = 1;
    private static final int BUFFER_BYTES = 256;
    private static final int SOCKET_TAKES = 600_000; // or less
    private static final long CONSOLE_START = 1L << 40; // it has a pattern of its own

    @TempDir
    private Path directory;

    private BackendFixture[] backends;

    @BeforeEach
    void open() throws Exception {
        backends = new BackendFixture[] {
            new BackendFixture(Files.createDirectory(directory.resolve("a")), ALL),
            new BackendFixture(Files.createDirectory(directory.resolve("b")), ALL)
        };
    }

    @AfterEach
    void close() {
        for (BackendFixture backend : backends) {
            backend.close();
        }
    }

    static Stream<RingFormat> formats() {
        return Stream.of(RingFormat.SPLIT, new RingFormat(false, true), new RingFormat(true, false), ALL);
    }

    private static byte pattern(long at) {
        return (byte) ((at * 0x9e37_79b9_7f4a_7c15L) >>> 56);
    }

    private static byte[] pattern(long from, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = pattern(from + i);
        }
        return bytes;
    }

    /** Somebody on the host who never waits. */
    private static final class Peer implements AutoCloseable {
        final SocketChannel channel;
        private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16);

        Peer(Path path) throws IOException {
            channel = SocketChannel.open(UnixDomainSocketAddress.of(path));
            channel.configureBlocking(false);
        }

        /** Checks what has come to be the pattern; answers how much. */
        int readPattern(long from, int limit) throws IOException {
            buffer.clear().limit(Math.min(limit, buffer.capacity()));
            int n = Math.max(0, channel.read(buffer));
            assertArrayEquals(pattern(from, n), Arrays.copyOf(buffer.array(), n), () -> "from " + from);
            return n;
        }

        int writePattern(long from, int limit) throws IOException {
            return channel.write(ByteBuffer.wrap(pattern(from, limit)));
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /** The memory of the machine that the guest moves to. */
    private static final class OtherMachine {
        private final DriverMemory memory;
        private final List<byte[]> copies = new ArrayList<>();

        OtherMachine(DriverMemory memory) {
            this.memory = memory;
            memory.regions().forEach(region -> copies.add(new byte[(int) region.sizeBytes()]));
        }

        /** Copies pages; all that are given have to exist. */
        void copy(BitSet pages) {
            BitSet left = (BitSet) pages.clone();
            for (int i = 0; i < copies.size(); i++) {
                DriverMemory.Region region = memory.regions().get(i);
                int first = (int) (region.guestAddress() / PAGE);
                int end = first + (int) (region.sizeBytes() / PAGE);
                for (int p = left.nextSetBit(first); p >= 0 && p < end; p = left.nextSetBit(p)) {
                    int offset = (p - first) * PAGE;
                    NativeMemory.get(region.userAddress() + offset, copies.get(i), offset, PAGE);
                    left.clear(p);
                }
            }
            assertTrue(left.isEmpty(), () -> "marked where no memory is: " + left);
        }

        /** The guest's memory is what was copied, and nothing else. */
        void arrive() {
            for (int i = 0; i < copies.size(); i++) {
                DriverMemory.Region region = memory.regions().get(i);
                byte[] left = new byte[copies.get(i).length];
                NativeMemory.get(region.userAddress(), left, 0, left.length);
                int wrong = Arrays.mismatch(left, copies.get(i));
                assertEquals(
                        -1,
                        wrong,
                        () -> "page was not logged: address=0x" + Long.toHexString(region.guestAddress() + wrong));
                NativeMemory.put(new byte[left.length], 0, region.userAddress(), left.length);
                NativeMemory.put(copies.get(i), 0, region.userAddress(), left.length);
            }
        }
    }

    /** All pages but those that only the device writes: the others are what the processor's own log would bring. */
    private static BitSet driverPages(ConsoleDriver driver) {
        BitSet pages = new BitSet();
        for (DriverMemory.Region region : driver.memory().regions()) {
            int first = (int) (region.guestAddress() / PAGE);
            pages.set(first, first + (int) (region.sizeBytes() / PAGE));
        }
        for (int i = 0; i < driver.maxPorts(); i++) {
            ConsolePort port = driver.port(i);
            long start = port.rxBufferAddress(0);
            clearWhole(
                    pages,
                    start,
                    start + (long) ConsolePort.buffersOf(port.rx().driver().size()) * BUFFER_BYTES);
        }
        if ((driver.features() & 1L << 34) == 0) {
            for (DriverRing ring : driver.rings()) {
                long start = ring.driver().usedAddress();
                clearWhole(pages, start, start + 4 + 8L * ring.driver().size());
            }
        }
        return pages;
    }

    private static void clearWhole(BitSet pages, long start, long end) {
        int first = (int) ((start + PAGE - 1) / PAGE);
        int last = (int) (end / PAGE);
        assertTrue(last > first, "no page that only the device writes");
        pages.clear(first, last);
    }

    /** What goes through one guest, whatever back-end it is with. */
    private static final class Load {
        final SplittableRandom random = new SplittableRandom(40);
        final ConsoleDriver driver;
        Peer portPeer;
        Peer consolePeer;
        long outWritten;
        long outRead;
        long inWritten;
        long inRead;
        long consoleWritten;
        long consoleRead;

        Load(ConsoleDriver driver, BackendFixture backend) throws IOException {
            this.driver = driver;
            portPeer = new Peer(backend.portPeer);
            consolePeer = new Peer(backend.consolePeer);
        }

        void guestTurn() throws IOException {
            ConsolePort port = driver.port(PORT);
            byte[] out = pattern(outWritten, random.nextInt(1, 5000));
            outWritten += port.write(out, 0, out.length);
            guestReads();
            if (consoleWritten - consoleRead
                    < BackendFixture.CONSOLE_BUFFER_BYTES - 3000) { // what is more may be lost, as it has to
                ConsolePort console = driver.port(0);
                byte[] text = pattern(consoleWritten, random.nextInt(1, 3000));
                consoleWritten += console.write(text, 0, text.length);
            }
            driver.turn(0);
        }

        int guestReads() throws IOException {
            byte[] in = new byte[20_000];
            int n = driver.port(PORT).read(in, 0, in.length);
            assertArrayEquals(pattern(inRead, n), Arrays.copyOf(in, n), () -> "input from " + inRead);
            inRead += n;
            return n;
        }

        void hostTurn(boolean drains) throws IOException {
            inWritten += portPeer.writePattern(inWritten, random.nextInt(1, 5000));
            if (drains) {
                outRead += portPeer.readPattern(outRead, random.nextInt(1, 9000));
                consoleRead += consolePeer.readPattern(consoleRead, random.nextInt(1, 9000));
            }
        }

        /** The host's side moves as well: what was put out there is read there; input that was not taken is sent again. */
        void follow(BackendFixture to) throws IOException {
            drain(portPeer, consolePeer);
            portPeer.close();
            consolePeer.close();
            portPeer = new Peer(to.portPeer);
            consolePeer = new Peer(to.consolePeer);
        }

        private void drain(Peer fromPort, Peer fromConsole) throws IOException {
            int n;
            do {
                n = fromPort.readPattern(outRead, 1 << 16);
                outRead += n;
                int text = fromConsole.readPattern(consoleRead, 1 << 16);
                consoleRead += text;
                n += text;
            } while (n > 0);
        }

        void finish() throws IOException {
            driver.await("all has arrived", () -> {
                drain(portPeer, consolePeer);
                guestReads();
                return outRead == outWritten && consoleRead == consoleWritten && inRead == inWritten;
            });
        }

        void close() throws IOException {
            portPeer.close();
            consolePeer.close();
        }
    }

    private ConsoleDriver start(RingFormat format) throws IOException {
        ConsoleOptions options = ConsoleOptions.linux()
                .withQueueSize(format.packed() ? 1000 : 1024)
                .withBufferBytes(BUFFER_BYTES)
                .withExtraBytes(0)
                .withFormat(format);
        return ConsoleDriver.start(backends[0].socket.toString(), FrontendOptions.of(Manner.QEMU), options);
    }

    private static VhostUserFrontend connect(BackendFixture to) throws IOException {
        return VhostUserFrontend.connect(to.socket.toString(), FrontendOptions.of(Manner.QEMU));
    }

    @ParameterizedTest
    @MethodSource("formats")
    @DisplayName("VS-40 VS-43 a guest moves under load, with a throttled port and a console that keeps output")
    void shouldLoseNothingWhenGuestMovesUnderLoad(RingFormat format) throws Exception {
        try (ConsoleDriver driver = start(format)) {
            Load load = new Load(driver, backends[0]);
            driver.awaitHostOpen(PORT);
            driver.open(PORT);
            driver.awaitPort(0);
            load.consoleRead = CONSOLE_START;
            load.consoleWritten = CONSOLE_START;
            for (int round = 1; round <= ROUNDS; round++) {
                BackendFixture to = backends[round % 2];
                move(driver, load, to, round % 2 == 1);
            }
            load.finish();
            assertTrue(load.outRead > 100_000 && load.inRead > 10_000 && load.consoleRead > CONSOLE_START + 100_000);
            assertTrue(driver.port(PORT).isHostOpen());
            long announced = driver.controlLog().stream()
                    .filter(message -> message.port() == PORT && message.event() == 1)
                    .count();
            assertEquals(1, announced);
            driver.stop();
            load.close();
        }
    }

    private void move(ConsoleDriver driver, Load load, BackendFixture to, boolean throttled) throws Exception {
        OtherMachine other = new OtherMachine(driver.memory());
        byte[] state;
        try (Migration migration = new Migration(driver)) {
            BitSet everything = driverPages(driver);
            driver.memory().regions().forEach(region -> {
                int first = (int) (region.guestAddress() / PAGE);
                everything.set(first, first + (int) (region.sizeBytes() / PAGE));
            });
            migration.takeDirtyPages();
            other.copy(everything);
            int[] dirty = new int[1];
            for (int pass = 0; pass < 5; pass++) {
                for (int i = 0; i < 60; i++) {
                    load.guestTurn();
                    load.hostTurn(!throttled);
                }
                BitSet pages = migration.takeDirtyPages();
                dirty[0] += pages.cardinality();
                other.copy(pages);
            }
            driver.await("something is logged", () -> {
                load.guestTurn();
                load.hostTurn(!throttled);
                BitSet pages = migration.takeDirtyPages();
                dirty[0] += pages.cardinality();
                other.copy(pages);
                return dirty[0] > 0 && (!throttled || load.consoleWritten - load.consoleRead > SOCKET_TAKES);
            });
            driver.stop();
            BitSet last = driverPages(driver);
            last.or(migration.takeDirtyPages());
            other.copy(last);
            state = Migration.saveState(driver.frontend());
        }
        assertTrue(!throttled || state.length > 10_000, () -> "console has kept nothing: bytes=" + state.length);
        other.arrive();
        load.follow(to);
        while (load.guestReads() > 0) {} // what had arrived before the stop
        load.inWritten = load.inRead;
        driver.moveTo(connect(to), state);
    }

    @Test
    @DisplayName("VS-40 SEC-65 a guest whose state does not fit stays where it is")
    void shouldStayWhenStateDoesNotFit() throws Exception {
        try (ConsoleDriver driver = start(RingFormat.SPLIT)) {
            Load load = new Load(driver, backends[0]);
            driver.awaitHostOpen(PORT);
            driver.open(PORT);
            for (int i = 0; i < 300; i++) {
                load.guestTurn();
                load.hostTurn(false);
            }
            driver.stop();
            byte[] state = Migration.saveState(driver.frontend());
            state[state.length / 2] ^= 1;
            try (VhostUserFrontend next = connect(backends[1])) {
                FrontendException e = assertThrows(FrontendException.class, () -> driver.moveTo(next, state));
                assertEquals("back-end could not save or load its state: result=1", e.getMessage());
            }
            assertFalse(driver.isRunning());
            driver.resume();
            load.finish();
            driver.stop();
            load.close();
        }
    }
}
