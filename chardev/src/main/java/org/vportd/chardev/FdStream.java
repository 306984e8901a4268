package org.vportd.chardev;

import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.loop.Watch;
import org.vportd.posix.Epoll;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/**
 * Bytes through descriptors, both ways, without a copy and without a system call that moves none: readiness is learnt as
 * changes and remembered, so that in steady state there is one {@code readv} or {@code writev} for each batch and nothing
 * else.
 *
 * <p>Input and output may be the same descriptor. A regular file, which has no readiness, counts as always ready.
 */
public final class FdStream implements AutoCloseable {
    private static final int READS_PER_TURN = 16;
    private static final int GONE = Epoll.EPOLLHUP | Epoll.EPOLLERR;
    private static final int IN = Epoll.EPOLLIN | Epoll.EPOLLRDHUP | Epoll.EPOLLET;

    private final Owner owner;
    private final @Nullable Fd input;
    private final @Nullable Fd output;
    private final @Nullable Watch inputWatch;
    private final @Nullable Watch outputWatch;
    private final LoopTask pumpTask;
    private final LoopTask writableTask;
    private boolean readable;
    private boolean writable = true;
    private boolean waitsForRoom;
    private boolean hungUp;
    private boolean ended;

    /** Whoever uses a stream, normally a {@link Chardev}. */
    public interface Owner {
        /** The buffers for input, empty if there is no room. */
        IoVector receiveBuffers();

        /** Input was read into them. */
        void received(long bytes);

        /** The memory of those buffers turned out to be gone; nothing was read. */
        void buffersGone(MemoryFaultException fault);

        /** Whether room will come; if not, a peer that has hung up is not waited for. */
        boolean isReceiving();

        /** There is room for output after a short write. */
        void writable();

        /**
         * There will be no more input: the peer has left, or reading or writing has failed. Called once, from the loop and
         * never from within {@link FdStream#write}; the stream should be closed.
         */
        void ended();
    }

    /**
     * Starts to move bytes. The stream owns the descriptors from here on; they must never wait.
     *
     * @param input where input comes from, or null if there is none
     * @param output where output goes, or null if there is nowhere; may be the same object as the input
     */
    public FdStream(EventLoop loop, @Nullable Fd input, @Nullable Fd output, Owner owner) throws PosixException {
        this.owner = owner;
        this.input = input;
        this.output = output;
        this.pumpTask = loop.task(this::pump);
        this.writableTask = loop.task(this::nowWritable);
        boolean both = input != null && input == output;
        this.inputWatch = input == null ? null : watch(loop, input, both ? IN | Epoll.EPOLLOUT : IN);
        this.outputWatch =
                output == null || both ? null : watch(loop, output, Epoll.EPOLLOUT | Epoll.EPOLLET);
        if (input != null && inputWatch == null) {
            readable = true;
            pumpTask.schedule();
        }
    }

    private @Nullable Watch watch(EventLoop loop, Fd fd, int interest) throws PosixException {
        try {
            return loop.watch(fd, interest, this::onReady);
        } catch (PosixException e) {
            if (e.errno() == Errno.EPERM) {
                return null; // always ready
            }
            throw e;
        }
    }

    private void onReady(int events) {
        if ((events & Epoll.EPOLLOUT) != 0) {
            nowWritable();
        }
        if ((events & (GONE | Epoll.EPOLLRDHUP)) != 0) {
            hungUp |= (events & GONE) != 0;
            readable = true;
        }
        if ((events & Epoll.EPOLLIN) != 0) {
            readable = true;
        }
        if (readable) {
            pump();
        }
    }

    private void nowWritable() {
        writable = true;
        if (waitsForRoom && !ended) {
            waitsForRoom = false;
            owner.writable();
        }
    }

    /** Looks for room again: input that was left with the peer is read now or at the end of this turn. */
    public void acceptInput() {
        if (readable) {
            pumpTask.schedule();
        }
    }

    private void pump() {
        for (int reads = 0; readable && !ended; reads++) {
            IoVector buffers = owner.receiveBuffers();
            if (buffers.isEmpty()) {
                if (hungUp && !owner.isReceiving()) {
                    end();
                }
                return; // parked until acceptInput
            }
            if (reads == READS_PER_TURN) {
                pumpTask.schedule();
                return;
            }
            if (!readOnce(buffers)) {
                return;
            }
        }
    }

    private boolean readOnce(IoVector buffers) {
        long n;
        try {
            n = input == null ? 0 : Posix.readv(input, buffers);
        } catch (MemoryFaultException e) {
            owner.buffersGone(e);
            return false; // the bytes are still with the peer, for whoever comes next
        } catch (PosixException e) {
            n = 0; // ECONNRESET, or EIO of a pty: nobody is there any more
        }
        if (n > 0) {
            owner.received(n);
            return true;
        }
        if (n == 0) {
            end();
        } else {
            readable = false;
        }
        return false;
    }

    private void end() {
        if (!ended) {
            ended = true;
            owner.ended();
        }
    }

    /**
     * Writes what there is room for.
     *
     * @return the bytes taken; if fewer than there are, {@link Owner#writable} or {@link Owner#ended} follows
     */
    public long write(IoVector data) {
        long n = 0;
        if (output != null && writable && !ended) {
            try {
                n = Math.max(0, Posix.writev(output, data));
            } catch (PosixException e) {
                hungUp = true; // what the peer had sent is still read
                readable = true;
                pumpTask.schedule();
                writable = false;
            }
        }
        if (n < data.bytes()) {
            waitsForRoom = true;
            if (n > 0 && (data.segments() > IoVector.MAX_SEGMENTS_PER_CALL || (outputWatch == null && output != input))) {
                writableTask.schedule(); // not for want of room
            } else {
                writable = false;
            }
        }
        return n;
    }

    /** Closes the descriptors. The owner hears nothing more. */
    @Override
    public void close() {
        ended = true;
        pumpTask.cancel();
        writableTask.cancel();
        closeAll(inputWatch, outputWatch);
        if (input != null) {
            input.close();
        }
        if (output != null) {
            output.close();
        }
    }

    private static void closeAll(@Nullable Watch... watches) {
        for (Watch watch : watches) {
            if (watch != null) {
                watch.close();
            }
        }
    }
}
