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
import org.vportd.posix.MessageSocket;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.SocketInput;
import org.vportd.posix.Sockets;

/**
 * Bytes through descriptors without a copy. Readiness is learnt as changes (edge-triggered epoll) and remembered: while
 * the peer keeps up, a batch is one {@code readv} or {@code writev}.
 *
 * <p>A change is only reported by the kernel after a call has met the state before it. So input counts as exhausted only
 * once a read has found nothing, however short the one before was; and a write that was cut short, which can have reasons
 * other than a full buffer (a fault in the middle of the data, a signal), has the kernel look again. UNIX sockets need
 * neither: they report whatever comes, and that there is room again after whatever went.
 *
 * <p>Each change wakes the thread, also if it tells nothing new: that there is room when nobody waits for it, or more input
 * while there is nowhere to put it. What has told nothing new {@value #MAX_IDLE_EVENTS} times is not listened for until it
 * matters again.
 *
 * <p>Input and output may be the same descriptor. A file without readiness, such as a regular one, is always ready.
 */
public final class FdStream implements ByteStream {
    private static final int READS_PER_TURN = 16;
    private static final int LEFT = Epoll.EPOLLHUP | Epoll.EPOLLERR;
    private static final int IN = Epoll.EPOLLIN | Epoll.EPOLLRDHUP | Epoll.EPOLLET;
    private static final int OUT = Epoll.EPOLLOUT | Epoll.EPOLLET;
    private static final int MAX_IDLE_EVENTS = 8;
    /**
     * Room for output in a UNIX socket, so that there is something to read until the next batch comes: the kernel says that
     * there is room only when three quarters of it are.
     */
    private static final int SEND_BUFFER_BYTES = 1 << 18;

    private final EventLoop loop;
    private final Owner owner;
    private final @Nullable Fd input;
    private final @Nullable Fd output;
    private final @Nullable Watch inputWatch;
    private final @Nullable Watch outputWatch;
    private final LoopTask pumpTask;
    private final LoopTask writableTask;
    /** If it is a UNIX socket. */
    private final @Nullable SocketInput socketInput;

    private final boolean socketOutput;
    private @Nullable MessageSocket messages;
    private int idleInputEvents;
    private int idleOutputEvents;
    private boolean readable;
    /** Input counts as exhausted because a read was cut short, which a fault in the middle does, too. */
    private boolean cutShort;

    private boolean writable = true;
    private boolean waitsForRoom;
    private boolean left;
    private boolean saidLast;
    private boolean outputFailed;
    private boolean ended;

    /** An owner that can go on after output has failed. */
    public interface RetryingOwner extends Owner {
        /**
         * Writing has failed for a reason that may pass. Nothing was taken; {@link FdStream#retryOutput} is up to the
         * owner. Called from within {@link FdStream#write}.
         */
        void outputFailed(PosixException failure);
    }

    /**
     * Starts to move bytes. The stream owns the descriptors from here on, also if this fails; they must never wait.
     *
     * @param input where input comes from, or null if there is none
     * @param output where output goes, or null if it is to be dropped; may be the same object as the input
     */
    public FdStream(EventLoop loop, @Nullable Fd input, @Nullable Fd output, Owner owner) throws PosixException {
        this.loop = loop;
        this.owner = owner;
        this.input = input;
        this.output = output;
        this.pumpTask = loop.task(this::pump);
        this.writableTask = loop.task(this::retryOutput);
        this.socketOutput = output != null && Sockets.isUnixStream(output);
        Watch in = null;
        Watch out = null;
        try {
            if (output != null && socketOutput && Sockets.sendBuffer(output) < 2 * SEND_BUFFER_BYTES) {
                Sockets.setSendBuffer(output, SEND_BUFFER_BYTES);
            }
            if (input != null && input == output) {
                in = watch(loop, input, IN);
                out = in;
            } else {
                in = input == null ? null : watch(loop, input, IN);
                out = output == null ? null : watch(loop, output, OUT);
            }
        } catch (PosixException e) {
            closeAll(in, input, output);
            throw e;
        }
        this.inputWatch = in;
        this.outputWatch = out;
        boolean socket = input == output ? socketOutput : input != null && Sockets.isUnixStream(input);
        this.socketInput = input != null && socket ? new SocketInput(input) : null;
        if (input != null && in == null) {
            readable = true;
            pumpTask.schedule();
        }
    }

    private @Nullable Watch watch(EventLoop loop, Fd fd, int interest) throws PosixException {
        try {
            return loop.watch(fd, interest, fd == input ? this::onReady : this::onOutputReady);
        } catch (PosixException e) {
            if (e.errno() == Errno.EPERM) {
                return null; // always ready
            }
            throw e;
        }
    }

    private void onReady(int events) {
        if ((events & Epoll.EPOLLOUT) != 0) {
            onOutputReady(events);
        }
        if ((events & (Epoll.EPOLLIN | Epoll.EPOLLRDHUP | LEFT)) != 0) {
            left |= (events & LEFT) != 0;
            saidLast |= (events & Epoll.EPOLLRDHUP) != 0;
            if (readable && ++idleInputEvents >= MAX_IDLE_EVENTS) {
                ignore(inputWatch, Epoll.EPOLLIN);
            }
            readable = true;
            pump();
        }
    }

    private void onOutputReady(int events) {
        if (waitsForRoom) {
            idleOutputEvents = 0;
        } else if (++idleOutputEvents >= MAX_IDLE_EVENTS) {
            ignore(outputWatch, Epoll.EPOLLOUT);
        }
        retryOutput(); // if the event is an error, the next write will say which
    }

    private static void ignore(@Nullable Watch watch, int bit) {
        if (watch != null && (watch.interest() & bit) != 0) {
            watch.setInterest(watch.interest() & ~bit);
        }
    }

    /** From here on the change is told; if there has been one, too. */
    private static void listen(Watch watch, int bit) {
        if ((watch.interest() & bit) == 0) {
            watch.setInterest(watch.interest() | bit);
        }
    }

    private void inputExhausted() {
        readable = false;
        cutShort = false;
        idleInputEvents = 0;
        if (inputWatch != null) {
            listen(inputWatch, Epoll.EPOLLIN);
        }
    }

    /** Assumes that there is room for output, and says so if somebody waits for it. */
    public void retryOutput() {
        writable = true;
        if (waitsForRoom && !ended) {
            waitsForRoom = false;
            owner.writable();
        }
    }

    @Override
    public void acceptInput() {
        if (readable || cutShort) {
            readable = true;
            cutShort = false;
            pumpTask.schedule();
        }
    }

    private void pump() {
        for (int reads = 0; readable && !ended; reads++) {
            IoVector buffers = owner.receiveBuffers();
            if (buffers.isEmpty() && input != null) {
                if (!owner.isReceiving() && (left || (saidLast && Posix.unread(input) == 0))) {
                    end();
                }
                return; // parked until acceptInput; what a peer has said last before it waits for an answer is kept
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
            n = input == null ? 0 : read(input, buffers);
        } catch (MemoryFaultException e) {
            owner.buffersGone(e);
            return false; // the bytes are still with the peer, for whoever comes next
        } catch (PosixException e) {
            n = 0; // ECONNRESET, or EIO of a pty: nobody is there any more
        }
        if (n > 0) {
            boolean more = left || saidLast || socketInput == null || messages != null || !socketInput.isExhausted();
            if (!more) {
                inputExhausted();
                cutShort = true;
            }
            owner.received(n);
            return more;
        }
        if (n == 0 || outputFailed) {
            end();
        } else {
            inputExhausted();
            left = false; // a peer that really has left would have been met as the end: a pty was opened again
        }
        return false;
    }

    private long read(Fd from, IoVector buffers) throws PosixException {
        SocketInput unix = socketInput;
        if (unix == null) {
            return Posix.readv(from, buffers);
        }
        if (!owner.takesDescriptors()) {
            return unix.read(buffers);
        }
        MessageSocket socket = messages;
        if (socket == null) {
            socket = new MessageSocket(from.duplicate());
            messages = socket;
        }
        long n = socket.receive(buffers.segmentAddress(0), (int) Math.min(buffers.segmentBytes(0), Integer.MAX_VALUE));
        if (socket.descriptors() > 0) {
            owner.descriptorsReceived(socket.takeDescriptors());
        }
        return n;
    }

    private void end() {
        if (!ended) {
            ended = true;
            owner.ended();
        }
    }

    @Override
    public long write(IoVector data) {
        if (output == null || outputFailed) {
            return data.bytes();
        }
        long n = writable && !ended ? writeOnce(output, data) : 0;
        waitsForRoom |= n < data.bytes();
        return n;
    }

    private long writeOnce(Fd to, IoVector data) {
        long n;
        try {
            n = Posix.writev(to, data);
        } catch (PosixException e) {
            outputFailed(e);
            return 0;
        }
        if (n == data.bytes()) {
            return n;
        }
        if (n <= 0) {
            writable = false; // the change is to come
            if (outputWatch == null) {
                outputFailed(new PosixException("writev", Errno.EAGAIN));
            }
        } else if (outputWatch == null || data.segments() > IoVector.MAX_SEGMENTS_PER_CALL) {
            writableTask.schedule(); // not for want of room, as far as is known
        } else {
            writable = false;
            if (!socketOutput) {
                outputWatch.rearm();
            }
        }
        if (!writable && outputWatch != null) {
            listen(outputWatch, Epoll.EPOLLOUT);
        }
        return Math.max(0, n);
    }

    private void outputFailed(PosixException failure) {
        writable = false;
        if (owner instanceof RetryingOwner retrying) {
            retrying.outputFailed(failure);
            return;
        }
        outputFailed = true;
        left = true;
        readable = true; // what the peer had sent is still read
        pumpTask.schedule();
        writableTask.schedule(); // nobody is made to wait for a peer that has gone
    }

    @Override
    public void close() {
        boolean mayLinger = !ended && !outputFailed && input == output;
        release();
        if (mayLinger && output != null) {
            ClosingSocket.close(loop, output);
        } else {
            closeAll(input, output);
        }
    }

    @Override
    public void abandon() {
        release();
        closeAll(input, output);
    }

    private void release() {
        ended = true;
        pumpTask.cancel();
        writableTask.cancel();
        closeAll(inputWatch, outputWatch);
        if (messages != null) {
            messages.close();
        }
        if (socketInput != null) {
            socketInput.close();
        }
    }

    private static void closeAll(@Nullable AutoCloseable... parts) {
        for (AutoCloseable part : parts) {
            if (part instanceof Watch watch) {
                watch.close();
            } else if (part instanceof Fd fd) {
                fd.close();
            }
        }
    }
}
