package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;

/** What a stream costs: no memory per buffer, and no event that nobody waits for. */
class FdStreamCostTest extends FdStreamFixture {
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
        connect(Sockets.pair());
        peer.write("waiting for room");
        peer.close();
        loop.settle();

        assertEquals(0, loop.loop().turn(0), "a peer that has left while there is no room does not make the loop spin");
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
    }

    @Test
    void shouldStopWakingForRoomThatNobodyWaitsForAndHearOfItWhenItMatters() throws Exception {
        connect(Sockets.pair());
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
    void shouldStopWakingForInputThatThereIsNoRoomForAndHearOfItWhenItMatters() throws Exception {
        connect(Sockets.pair());
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

    private static void fill(RecordingHandler front) {
        String page = "x".repeat(PAGE);
        for (int i = 0; front.write(page) == PAGE; i++) {
            assertTrue(i < 10_000, "never full");
        }
    }
}
