package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.LibC;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.MessageSocket;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.Terminals;
import org.vportd.testing.OpenDescriptors;

class FdStreamTest {
    private static final long TOTAL = 8 << 20;
    private static final int PAGE = 4096;

    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private long descriptorsBefore;
    private TestLoop loop;

    @BeforeEach
    void openLoop() throws Exception {
        new RecordingHandler().close(); // loads what would open descriptors of its own
        try (TestLoop first = new TestLoop()) {
            first.settle();
        }
        descriptorsBefore = OpenDescriptors.count();
        loop = new TestLoop();
    }

    @AfterEach
    void shouldLeaveNoDescriptorOpen() throws Exception {
        for (AutoCloseable closeable : opened) {
            closeable.close();
        }
        loop.close();
        OpenDescriptors.assertNoneSince(descriptorsBefore);
    }

    private <T extends AutoCloseable> T closing(T closeable) {
        opened.push(closeable);
        return closeable;
    }

    private RecordingHandler front(@Nullable Fd input, @Nullable Fd output) throws PosixException {
        StreamChardev chardev = closing(new StreamChardev(loop.loop(), input, output));
        return closing(new RecordingHandler()).attach(chardev);
    }

    private Peer peer(Fd in, Fd out) {
        return closing(new Peer(in, out));
    }

    // --- everything arrives, once and in order

    @RepeatedTest(3)
    void shouldCarryEveryByteOnceThroughSocket(RepetitionInfo repetition) throws Exception {
        Fd[] pair = Sockets.pair();
        exchange(front(pair[0], pair[0]), peer(pair[1], pair[1]), repetition.getCurrentRepetition());
    }

    @RepeatedTest(3)
    void shouldCarryEveryByteOnceThroughTcp(RepetitionInfo repetition) throws Exception {
        Fd[] pair = tcpPair();
        exchange(front(pair[0], pair[0]), peer(pair[1], pair[1]), repetition.getCurrentRepetition());
    }

    @RepeatedTest(3)
    void shouldCarryEveryByteOnceThroughPipes(RepetitionInfo repetition) throws Exception {
        Fd[] in = Posix.pipe();
        Fd[] out = Posix.pipe();
        exchange(front(in[0], out[1]), peer(out[0], in[1]), repetition.getCurrentRepetition());
    }

    @RepeatedTest(3)
    void shouldCarryEveryByteOnceThroughTerminal(RepetitionInfo repetition) throws Exception {
        Terminals.Pty pty = Terminals.openPty();
        Fd slave = openSlave(pty);
        exchange(front(pty.master(), pty.master()), peer(slave, slave), repetition.getCurrentRepetition());
    }

    private void exchange(RecordingHandler front, Peer peer, long seed) throws PosixException {
        try (Exchange exchange = new Exchange(loop, front, peer, seed)) {
            exchange.run(TOTAL);
        }
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
    }

    private static Fd openSlave(Terminals.Pty pty) throws PosixException {
        return Posix.open(pty.slavePath(), Posix.O_RDWR | Posix.O_NONBLOCK | Posix.O_NOCTTY, 0);
    }

    private Fd[] tcpPair() throws Exception {
        try (Fd listener = Sockets.listenTcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1)) {
            InetSocketAddress at = Sockets.localAddress(listener);
            Fd client = Sockets.connectTcp(Objects.requireNonNull(at));
            Fd[] accepted = new Fd[1];
            loop.until("accepted", () -> {
                try {
                    accepted[0] = Sockets.accept(listener);
                } catch (PosixException e) {
                    throw new AssertionError(e);
                }
                return accepted[0] != null;
            });
            return new Fd[] {accepted[0], client};
        }
    }

    @Test
    void shouldGoOnWithinTheTurnsThatFollowWhenWriteHasMoreSegmentsThanOneCallTakes() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = front(pair[0], pair[0]);
        Peer peer = peer(pair[1], pair[1]);

        assertEquals(1024, front.write("x".repeat(3000)));
        loop.until("room", () -> front.writableCalls() == 1);

        assertEquals(1024, peer.text().length());
    }

    @Test
    void shouldShareOutputOfFifoAmongItsReaders(@TempDir Path folder) throws Exception {
        String path = folder.resolve("fifo").toString();
        Posix.makeFifo(path, 0600);
        RecordingHandler front = front(null, Posix.open(path, Posix.O_RDWR | Posix.O_NONBLOCK, 0));
        Peer one = peer(
                Posix.open(path, Posix.O_RDONLY | Posix.O_NONBLOCK, 0),
                Posix.open(path, Posix.O_WRONLY | Posix.O_NONBLOCK, 0));
        Fd second = Posix.open(path, Posix.O_RDONLY | Posix.O_NONBLOCK, 0);
        Peer two = peer(second, second);
        String page = "x".repeat(PAGE);
        boolean[] blocked = {false};
        front.whenWritable(() -> blocked[0] = false);
        long written = 0;
        long byOthers = 0;

        for (int turn = 0; written < TOTAL / 4; turn++) {
            assertTrue(turn < 1_000_000, "stalled");
            if (turn % 3 == 0) {
                byOthers += one.write("#"); // takes room away that we have just heard of
            }
            if (!blocked[0]) {
                long n = front.write(page);
                written += n;
                blocked[0] = n < PAGE;
            }
            if (turn % 20 == 0) {
                one.text();
            }
            if (turn % 50 == 0) {
                two.text();
            }
            loop.loop().turn(0);
        }

        assertEquals(written + byOthers, one.text().length() + two.text().length());
    }

    // --- how it ends

    @Test
    void shouldDeliverAllThatWasSentWhenPeerClosesSocket() throws Exception {
        Fd[] pair = Sockets.pair();
        deliversAllBeforeEnd(front(pair[0], pair[0]), peer(pair[1], pair[1]));
    }

    @Test
    void shouldDeliverAllThatWasSentWhenPeerClosesTcp() throws Exception {
        Fd[] pair = tcpPair();
        deliversAllBeforeEnd(front(pair[0], pair[0]), peer(pair[1], pair[1]));
    }

    @Test
    void shouldDeliverAllThatWasSentWhenPeerClosesPipe() throws Exception {
        Fd[] pair = Posix.pipe();
        deliversAllBeforeEnd(front(pair[0], null), peer(devNull(), pair[1]));
    }

    @Test
    void shouldDeliverAllThatWasSentWhenPeerClosesTerminal() throws Exception {
        Terminals.Pty pty = Terminals.openPty();
        Fd slave = openSlave(pty);
        deliversAllBeforeEnd(front(pty.master(), pty.master()), peer(slave, slave));
    }

    private void deliversAllBeforeEnd(RecordingHandler front, Peer peer) throws Exception {
        front.checkingPattern();
        peer.writePattern(3000);
        loop.settle();
        front.grant(1000);
        loop.settle();
        peer.close();
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        front.grant(1000);
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
        front.grant(2000);
        loop.settle();

        assertEquals(3000, front.receivedBytes());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @RepeatedTest(200)
    void shouldDeliverAllAndCloseOnceInWhateverOrderThingsHappen(RepetitionInfo repetition) throws Exception {
        long seed = repetition.getCurrentRepetition();
        Random random = new Random(seed);
        Fd[] pair = randomPair(random.nextInt(3));
        RecordingHandler front = front(pair[0], pair[0]).checkingPattern();
        Peer peer = peer(pair[1], pair[1]);
        int steps = random.nextInt(30);
        for (int i = 0; i < steps; i++) {
            switch (random.nextInt(5)) {
                case 0 -> front.grant(random.nextInt(3000));
                case 1 -> peer.writePattern(1 + random.nextInt(2000));
                case 2 -> front.write("x".repeat(1 + random.nextInt(500)));
                case 3 -> peer.text();
                default -> loop.loop().turn(0);
            }
        }
        peer.text(); // a TCP peer that closes with unread data resets, which may overtake its own data
        peer.close();
        for (int i = 0; i < 1000 && front.count(ChardevEvent.CLOSED) == 0; i++) {
            switch (random.nextInt(3)) {
                case 0 -> front.grant(random.nextInt(3000));
                case 1 -> front.write("lost");
                default -> loop.loop().turn(1);
            }
        }
        loop.settle();

        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events(), "seed=" + seed);
        assertEquals(peer.patternWritten(), front.receivedBytes(), "seed=" + seed);
    }

    private Fd[] randomPair(int kind) throws Exception {
        if (kind == 0) {
            return Sockets.pair();
        }
        if (kind == 1) {
            return tcpPair();
        }
        Terminals.Pty pty = Terminals.openPty();
        return new Fd[] {pty.master(), openSlave(pty)};
    }

    private static Fd devNull() throws PosixException {
        return Posix.open("/dev/null", Posix.O_RDWR, 0);
    }

    @Test
    void shouldLetPeerGoWithWhatItHadSentWhenNobodyReads() throws Exception {
        Fd[] pair = Sockets.pair();
        letsGo(front(pair[0], pair[0]), peer(pair[1], pair[1]));
    }

    @Test
    void shouldLetTcpPeerGoWhenNothingOfItIsUnreadAndNobodyReads() throws Exception {
        Fd[] pair = tcpPair();
        RecordingHandler front = front(pair[0], pair[0]);
        Peer peer = peer(pair[1], pair[1]);
        front.setReceiving(false);
        peer.close();
        loop.until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == 1);
    }

    @Test
    void shouldKeepTcpPeersLastWordsUntilSomebodyReads() throws Exception {
        Fd[] pair = tcpPair();
        RecordingHandler front = front(pair[0], pair[0]);
        Peer peer = peer(pair[1], pair[1]);
        keepsLastWords(front, peer, peer::close);
    }

    @Test
    void shouldKeepLastWordsOfHalfClosedPeerUntilSomebodyReads() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = front(pair[0], pair[0]);
        Peer peer = peer(pair[1], pair[1]);
        keepsLastWords(front, peer, () -> Sockets.shutdownOutput(peer.fd()));
    }

    private interface Ending {
        void run() throws Exception;
    }

    private void keepsLastWords(RecordingHandler front, Peer peer, Ending ending) throws Exception {
        front.setReceiving(false);
        peer.write("last words");
        loop.settle();
        ending.run();
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        front.setReceiving(true);
        front.grant(100);
        loop.until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == 1);
        assertEquals("last words", front.text());
    }

    @Test
    void shouldNotMakeWriterWaitWhenPeerHasGoneAndItsInputIsStillUnread() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = front(pair[0], pair[0]);
        Peer peer = peer(pair[1], pair[1]);
        peer.write("unread");
        loop.settle();
        peer.close();
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        assertEquals(0, front.write("nobody hears this"));
        loop.until("writable", () -> front.writableCalls() == 1);
        assertEquals(9, front.write("nor this "));
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        front.grant(100);
        loop.until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == 1);
        assertEquals("unread", front.text());
    }

    private void letsGo(RecordingHandler front, Peer peer) throws Exception {
        front.setReceiving(false);
        peer.write("unread");
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        peer.close();
        loop.until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == 1);

        assertEquals("", front.text());
    }

    @Test
    void shouldLetPeerGoWhenReaderStopsAfterwards() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = front(pair[0], pair[0]);
        Peer peer = peer(pair[1], pair[1]);
        peer.write("unread");
        peer.close();
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        front.setReceiving(false);
        loop.settle();

        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void shouldTreatHalfCloseAsTheEnd() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = front(pair[0], pair[0]).grant(100);
        Peer peer = peer(pair[1], pair[1]);

        peer.write("last");
        Sockets.shutdownOutput(peer.fd());
        loop.settle();

        assertEquals("last", front.text());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void shouldDeliverInputBeforeEndWhenWriteFails() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = front(pair[0], pair[0]);
        Peer peer = peer(pair[1], pair[1]);
        peer.write("last words");
        peer.close();

        assertEquals(0, front.write("lost"));
        assertEquals(List.of(ChardevEvent.OPENED), front.events(), "no event from within write");
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
        front.grant(100);
        loop.settle();

        assertEquals("last words", front.text());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void shouldEndWhenPeerStopsReadingButStays() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = front(pair[0], pair[0]).grant(100);
        Peer peer = peer(pair[1], pair[1]);
        LibC.C.shutdown(peer.fd().value(), 0); // SHUT_RD
        loop.settle();

        assertEquals(0, front.write("lost"));
        loop.settle();

        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void shouldReadRegularFileToItsEnd(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("in"), "x".repeat(200_000));
        RecordingHandler front = front(Posix.open(file.toString(), Posix.O_RDONLY, 0), null);
        loop.settle();
        assertEquals(0, front.receivedBytes());

        front.grant(1_000_000);
        loop.settle();

        assertEquals(200_000, front.receivedBytes());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void shouldDropOutputWhenThereIsNowhereToPutIt() throws Exception {
        RecordingHandler front = front(devNull(), null);

        assertEquals(5, front.write("12345"));
    }

    @Test
    void shouldNotReadAfterOwnerHasClosedIt() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = front(pair[0], pair[0]);
        Peer peer = peer(pair[1], pair[1]);
        peer.write("ignored");
        front.grant(100);
        front.frontend().detach();
        opened.forEach(each -> {
            if (each instanceof StreamChardev chardev) {
                chardev.close();
            }
        });
        loop.settle();

        assertEquals("", front.text());
        assertTrue(peer.isAtEnd());
    }

    // --- memory that goes away under a call

    @Test
    void shouldGoOnWhenMemoryEndsWithinWrite() throws Exception {
        Fd[] pipe = Posix.pipe();
        RecordingHandler front = front(null, pipe[1]);
        Peer peer = peer(pipe[0], devNull());
        try (Fd file = Posix.memoryFile("guest", 2 * PAGE);
                MappedMemory memory = MappedMemory.map(file, 0, 2 * PAGE);
                IoVector data = new IoVector()) {
            Posix.resize(file, PAGE);
            loop.settle(); // the first report of readiness is past
            data.add(memory.address(), 2 * PAGE);

            assertEquals(PAGE, front.frontend().write(data));
            loop.until("told that there is room", () -> front.writableCalls() == 1);
            data.consume(PAGE);
            assertThrows(MemoryFaultException.class, () -> front.frontend().write(data));
        }

        assertEquals(4, front.write("next"), "a later user of the chardev is not stuck");
        assertEquals(PAGE + 4, peer.text().length());
    }

    @Test
    void shouldTellAndKeepInputWhenMemoryIsGone() throws Exception {
        Fd[] pair = Sockets.pair();
        StreamChardev chardev = closing(new StreamChardev(loop.loop(), pair[0], pair[0]));
        Peer peer = peer(pair[1], pair[1]);
        try (Fd file = Posix.memoryFile("guest", PAGE);
                MappedMemory memory = MappedMemory.map(file, 0, PAGE);
                GoneBuffers gone = new GoneBuffers(memory.address())) {
            Posix.resize(file, 0);
            gone.frontend.attach(chardev);
            peer.write("kept");
            loop.settle();
            assertEquals(1, gone.faults);
            gone.frontend.detach();
        }
        RecordingHandler front = closing(new RecordingHandler()).attach(chardev).grant(100);
        loop.settle();

        assertEquals("kept", front.text());
    }

    private static final class GoneBuffers implements ChardevHandler, AutoCloseable {
        private final IoVector buffers = new IoVector();
        private final ChardevFrontend frontend = new ChardevFrontend(this);
        private int faults;

        GoneBuffers(long address) {
            buffers.add(address, PAGE);
        }

        @Override
        public IoVector receiveBuffers() {
            return buffers;
        }

        @Override
        public void received(long bytes) {
            throw new AssertionError();
        }

        @Override
        public void buffersGone(MemoryFaultException fault) {
            faults++;
            buffers.clear();
        }

        @Override
        public boolean isReceiving() {
            return true;
        }

        @Override
        public void onWritable() {}

        @Override
        public void onEvent(ChardevEvent event) {}

        @Override
        public void close() {
            buffers.close();
        }
    }

    // --- cost

    @Test
    void shouldAllocateNothingPerBuffer() throws Exception {
        Fd[] pair = Sockets.pair();
        CountingOwner owner = new CountingOwner();
        FdStream stream = closing(new FdStream(loop.loop(), pair[0], pair[0], owner));
        Fd far = closing(pair[1]);
        long page = NativeMemory.allocate(PAGE);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (IoVector data = new IoVector()) {
            data.add(page, PAGE);
            for (int i = 0; i < 20_000; i++) {
                echo(stream, data, far, page);
            }

            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 10_000; i++) {
                echo(stream, data, far, page);
            }
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;

            assertTrue(allocated < 10_000, "bytes allocated for 10,000 buffers: " + allocated);
            assertEquals(30_000L * PAGE, owner.received);
            assertFalse(owner.ended);
        } finally {
            NativeMemory.free(page);
            owner.buffers.close();
        }
    }

    private void echo(FdStream stream, IoVector data, Fd far, long page) throws IOException {
        stream.write(data);
        Posix.read(far, page, PAGE);
        Posix.write(far, page, PAGE);
        loop.loop().turn(0);
    }

    private static final class CountingOwner implements ByteStream.Owner {
        private final IoVector buffers = new IoVector();
        private final long memory = NativeMemory.allocate(PAGE);
        private long received;
        private boolean ended;

        @Override
        public IoVector receiveBuffers() {
            buffers.clear();
            buffers.add(memory, PAGE);
            return buffers;
        }

        @Override
        public void received(long bytes) {
            received += bytes;
        }

        @Override
        public void buffersGone(MemoryFaultException fault) {
            throw fault;
        }

        @Override
        public boolean isReceiving() {
            return true;
        }

        @Override
        public void writable() {}

        @Override
        public void ended() {
            ended = true;
        }
    }

    @Test
    void shouldNotWakeForEventsThatNobodyWaitsFor() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = front(pair[0], pair[0]);
        Peer peer = peer(pair[1], pair[1]);
        peer.write("waiting for room");
        peer.close();
        loop.settle();

        assertEquals(0, loop.loop().turn(0), "a peer that has left while there is no room does not make the loop spin");
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
    }

    @Test
    void shouldStopWakingForRoomThatNobodyWaitsForAndHearOfItWhenItMatters() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = front(pair[0], pair[0]);
        Peer peer = peer(pair[1], pair[1]);
        fill(front);
        int woken = 0;
        for (int i = 0; i < 100; i++) {
            peer.text(); // makes room
            woken += loop.loop().turn(0);
            front.write("x");
        }
        assertTrue(woken < 20, "events of room that nobody waits for: " + woken);

        for (int i = 1; i <= 3; i++) {
            int before = front.writableCalls();
            fill(front);
            peer.text();
            loop.until("room", () -> front.writableCalls() > before);
        }
    }

    @Test
    void shouldHaveRoomForMoreThanABatchInAUnixSocketAndLeaveLargerRoomAlone() throws Exception {
        Fd[] pair = Sockets.pair();
        Sockets.setSendBuffer(pair[0], 4096);
        Sockets.setSendBuffer(pair[1], 1 << 20); // twice that is granted, or twice the kernel's own limit
        int large = Sockets.sendBuffer(pair[1]);
        RecordingHandler front = front(pair[0], pair[0]);
        RecordingHandler other = front(pair[1], pair[1]);

        assertEquals(Math.min(large, 1 << 19), Sockets.sendBuffer(pair[0]));
        assertEquals(large, Sockets.sendBuffer(pair[1]));
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
        assertEquals(List.of(ChardevEvent.OPENED), other.events());
    }

    private static void fill(RecordingHandler front) {
        String page = "x".repeat(PAGE);
        for (int i = 0; front.write(page) == PAGE; i++) {
            assertTrue(i < 10_000, "never full");
        }
    }

    @Test
    void shouldStopWakingForInputThatThereIsNoRoomForAndHearOfItWhenItMatters() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = front(pair[0], pair[0]);
        Peer peer = peer(pair[1], pair[1]);
        int woken = 0;
        for (int i = 0; i < 100; i++) {
            peer.write("x");
            woken += loop.loop().turn(0);
        }
        assertTrue(woken < 20, "events of input that there is no room for: " + woken);

        front.grant(200);
        loop.until("all of it", () -> front.receivedBytes() == 100);
        for (int i = 101; i <= 110; i++) {
            int all = i;
            peer.write("x");
            loop.until("one more", () -> front.receivedBytes() == all);
        }
        peer.close();
        loop.until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == 1);
    }

    @Test
    void shouldReadOnBehindBytesThatBroughtDescriptors() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = front(pair[0], pair[0]);
        long text = NativeMemory.allocate(4);
        try (MessageSocket peer = new MessageSocket(pair[1]);
                Fd passed = devNull()) {
            assertEquals(4, peer.send(text, 4, List.of()));
            assertEquals(4, peer.send(text, 4, List.of(passed)));
            assertEquals(4, peer.send(text, 4, List.of(passed)));
            assertEquals(4, peer.send(text, 4, List.of()));
            front.grant(100); // one read ends before all is read
            loop.settle();

            assertEquals(16, front.receivedBytes());
        } finally {
            NativeMemory.free(text);
        }
    }
}
