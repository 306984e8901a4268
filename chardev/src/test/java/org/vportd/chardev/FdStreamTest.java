package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.MessageSocket;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/** What a stream carries: every byte once and in order, whatever memory does under a call. */
class FdStreamTest extends FdStreamFixture {
    private static final long TOTAL = 8 << 20;

    @RepeatedTest(3)
    void shouldCarryEveryByteOnceThroughSocket(RepetitionInfo repetition) throws Exception {
        connect(Sockets.pair());
        exchange(repetition.getCurrentRepetition());
    }

    @RepeatedTest(3)
    void shouldCarryEveryByteOnceThroughTcp(RepetitionInfo repetition) throws Exception {
        connect(tcpPair());
        exchange(repetition.getCurrentRepetition());
    }

    @RepeatedTest(3)
    void shouldCarryEveryByteOnceThroughPipes(RepetitionInfo repetition) throws Exception {
        Fd[] in = Posix.pipe();
        Fd[] out = Posix.pipe();
        front = front(in[0], out[1]);
        peer = peer(out[0], in[1]);
        exchange(repetition.getCurrentRepetition());
    }

    @RepeatedTest(3)
    void shouldCarryEveryByteOnceThroughTerminal(RepetitionInfo repetition) throws Exception {
        connect(terminal());
        exchange(repetition.getCurrentRepetition());
    }

    private void exchange(long seed) throws PosixException {
        try (Exchange exchange = new Exchange(loop, front, peer, seed)) {
            exchange.run(TOTAL);
        }
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
    }

    @Test
    void shouldGoOnWithinTheTurnsThatFollowWhenWriteHasMoreSegmentsThanOneCallTakes() throws Exception {
        connect(Sockets.pair());

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

    @Test
    void shouldDropOutputWhenThereIsNowhereToPutIt() throws Exception {
        RecordingHandler front = front(devNull(), null);

        assertEquals(5, front.write("12345"));
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
}
