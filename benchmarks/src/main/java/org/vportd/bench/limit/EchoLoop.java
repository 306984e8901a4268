package org.vportd.bench.limit;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.MessageSocket;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;

/**
 * The way that a round trip cannot do without: a thread waits for an eventfd, writes a block to a socket, waits for it to
 * come back, and signals another eventfd. The eventfds come from whoever measures.
 */
final class EchoLoop implements PlainLoop {
    private static final long TIMEOUT_NS = TimeUnit.SECONDS.toNanos(5);
    private static final long RETRY_NS = TimeUnit.MILLISECONDS.toNanos(1);

    private final Fd socket;
    private final int blockBytes;
    private final Fd kick;
    private final Fd call;
    private final Waiting waiting;
    private long kicksSeen;

    private EchoLoop(Fd socket, int blockBytes, Fd kick, Fd call, Waiting waiting) throws IOException {
        this.socket = socket;
        this.blockBytes = blockBytes;
        this.kick = kick;
        this.call = call;
        this.waiting = waiting;
        Posix.setNonBlocking(socket, waiting != Waiting.IN_CALL);
        Posix.setNonBlocking(kick, waiting != Waiting.IN_CALL);
    }

    /** Takes its two eventfds from a socket. */
    static EchoLoop receive(Fd control, Fd socket, int blockBytes, Waiting waiting) throws IOException {
        long byteAt = NativeMemory.allocate(1);
        try (MessageSocket messages = new MessageSocket(control)) {
            long end = System.nanoTime() + TIMEOUT_NS;
            while (messages.descriptors() < 2) {
                messages.receive(byteAt, 1);
                if (System.nanoTime() - end > 0) {
                    throw new IOException("no eventfds have come");
                }
                LockSupport.parkNanos(RETRY_NS);
            }
            var fds = messages.takeDescriptors();
            return new EchoLoop(socket, blockBytes, fds.get(0), fds.get(1), waiting);
        } finally {
            NativeMemory.free(byteAt);
        }
    }

    @Override
    public void run(Board board, int thread) throws IOException {
        try (Blocks blocks = Blocks.toWrite(blockBytes, 1, 1);
                Epoll epoll = new Epoll(2)) {
            long block = blocks.address();
            long event = NativeMemory.allocate(2L * Long.BYTES);
            long one = event + Long.BYTES;
            NativeMemory.putLong(one, 1);
            if (waiting == Waiting.EPOLL) {
                epoll.add(kick, Epoll.EPOLLIN, 0);
                epoll.add(socket, Epoll.EPOLLIN, 1);
            }
            while (true) {
                if (waiting == Waiting.LOOKING) {
                    lookForKick(board);
                } else {
                    await(epoll);
                    Posix.read(kick, event, Long.BYTES);
                }
                if (!board.isRunning()) {
                    break;
                }
                Posix.write(socket, block, blockBytes);
                for (long read = 0; read < blockBytes; ) {
                    await(epoll);
                    read += Math.max(0, Posix.read(socket, block, blockBytes));
                }
                Posix.write(call, one, Long.BYTES);
                board.count(thread, blockBytes);
            }
            NativeMemory.free(event);
        }
    }

    private void await(Epoll epoll) throws IOException {
        if (waiting == Waiting.EPOLL) {
            epoll.await(-1);
        }
    }

    private void lookForKick(Board board) {
        long kicks = board.kicks();
        while (kicks == kicksSeen && board.isRunning()) {
            Thread.onSpinWait();
            kicks = board.kicks();
        }
        kicksSeen = kicks;
    }

    @Override
    public void close() {
        socket.close();
        kick.close();
        call.close();
    }
}
