package org.vportd.chardev;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;
import org.vportd.loop.Watch;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Poll;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/**
 * A TCP connection that nobody uses any more, while the kernel still has output for its peer. Closing it at once would take
 * that output from a peer that sends: the kernel answers input that nobody reads with a reset, and drops what it holds. So
 * input is read and dropped until the peer has the output, has left, or has read nothing for {@value #PATIENCE_S} seconds;
 * at the end of the program, which nobody shall have to wait for, all of them have {@value #LAST_PATIENCE_MS} milliseconds.
 */
final class ClosingSocket {
    private static final int PATIENCE_S = 5;
    private static final long TICK_NS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final int MAX_AT_A_TIME = 32;
    private static final int INPUT_LENGTH = 16 << 10;
    private static final int LAST_PATIENCE_MS = 600;
    private static final long LAST_PATIENCE_NS = TimeUnit.MILLISECONDS.toNanos(LAST_PATIENCE_MS);
    private static final int LAST_TICK_MS = 5;
    private static final Set<ClosingSocket> ALL = ConcurrentHashMap.newKeySet(); // of all loops

    private final EventLoop loop;
    private final Fd fd;
    private final Watch watch;
    private final LoopTimer timer;
    private final IoVector input = new IoVector();
    private long memory;
    private int unsent;
    private int idleTicks;

    private ClosingSocket(EventLoop loop, Fd fd) throws PosixException {
        this.loop = loop;
        this.fd = fd;
        this.watch = loop.watch(fd, Epoll.EPOLLIN | Epoll.EPOLLRDHUP, events -> endIfOver());
        this.timer = loop.timer(this::tick);
    }

    /** Closes a descriptor that the loop does not watch any more, now or, if it is such a connection, later. */
    static void close(EventLoop loop, Fd fd) {
        if (!hasUnsent(fd) || !stays(loop, fd)) {
            fd.close();
        }
    }

    /**
     * Waits for those of loops that are about to end, and closes them.
     *
     * @param loops as they were given to {@link #close}; nothing of them runs any more, but for this thread
     */
    static void closeAll(Set<EventLoop> loops) {
        List<ClosingSocket> left = new ArrayList<>(ALL);
        left.removeIf(socket -> !loops.contains(socket.loop));
        long startNs = System.nanoTime();
        while (!left.isEmpty() && System.nanoTime() - startNs < LAST_PATIENCE_NS) {
            left.removeIf(ClosingSocket::endIfOver);
            if (!left.isEmpty()) {
                left.get(0).await();
            }
        }
        left.forEach(ClosingSocket::release);
    }

    /** How many there are, of all loops. */
    static int lingering() {
        return ALL.size();
    }

    private static boolean hasUnsent(Fd fd) {
        try {
            return Posix.unsent(fd) > 0 && Sockets.localAddress(fd) != null;
        } catch (PosixException e) {
            return false; // no socket at all
        }
    }

    private static boolean stays(EventLoop loop, Fd fd) {
        if (ALL.size() >= MAX_AT_A_TIME) {
            return false;
        }
        try {
            Sockets.shutdownOutput(fd);
            if (Posix.unsent(fd) > 0) { // the peer acknowledges the end at once if it has all
                new ClosingSocket(loop, fd).start();
                return true;
            }
        } catch (PosixException e) {
            // as good as closed
        }
        return false;
    }

    private void start() {
        memory = NativeMemory.allocate(INPUT_LENGTH);
        input.add(memory, INPUT_LENGTH);
        unsent = Posix.unsent(fd);
        timer.start(TICK_NS);
        ALL.add(this);
    }

    private boolean endIfOver() {
        boolean over = isOver();
        if (over) {
            release();
        }
        return over;
    }

    private boolean isOver() {
        try {
            return Posix.readv(fd, input) == 0 || Posix.unsent(fd) == 0;
        } catch (PosixException e) {
            return true;
        }
    }

    /** Until there is input or it is time to look again. */
    private void await() {
        try {
            Poll.await(fd, Poll.POLLIN, LAST_TICK_MS);
        } catch (PosixException e) {
            // the next look tells
        }
    }

    private void tick() {
        int before = unsent;
        unsent = Posix.unsent(fd);
        idleTicks = unsent < before ? 0 : idleTicks + 1;
        if (unsent == 0 || idleTicks * TICK_NS >= TimeUnit.SECONDS.toNanos(PATIENCE_S)) {
            release();
        } else {
            timer.start(TICK_NS);
        }
    }

    private void release() {
        ALL.remove(this);
        timer.cancel();
        watch.close();
        fd.close();
        input.close();
        NativeMemory.free(memory);
    }
}
