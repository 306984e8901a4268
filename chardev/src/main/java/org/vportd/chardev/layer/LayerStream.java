package org.vportd.chardev.layer;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ByteStream;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.loop.LoopTimer;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;

/**
 * What all protocols over a stream have in common. Input of the stream beneath is read into a buffer of fixed size, decoded
 * there and copied to the owner's buffers; while the owner has no room nothing more is read. What a protocol has to say
 * itself is sent even after {@link #close}, for a few seconds at most.
 */
abstract class LayerStream implements ByteStream, ByteStream.Owner {
    private static final long NEGOTIATION_NS = TimeUnit.SECONDS.toNanos(StreamProtocols.HANDSHAKE_SECONDS);
    private static final long LINGER_NS = TimeUnit.SECONDS.toNanos(5);

    /** So many that clients which never read cannot make this process hold much memory for them, in all its loops. */
    private static final int MAX_LINGERING = 32;

    private static final AtomicInteger LINGERING = new AtomicInteger();

    /** Encoded input. */
    final RawInput raw = new RawInput();

    private enum State {
        OPENING,
        NEGOTIATING,
        READY,
        /** Closed by the owner, but what was promised to the peer is still being sent. */
        LINGERING,
        RELEASED
    }

    private final EventLoop loop;
    private final String name;
    private final Owner owner;
    private final LoopTask resumeTask;
    private final LoopTask writableTask;
    private final LoopTask endTask;
    private final LoopTimer timer;
    private @Nullable ByteStream lower;
    private State state = State.OPENING;
    private long plain;
    private int plainBytes;
    private boolean waitsForRoom;
    private boolean lowerEnded;
    private boolean saidEnd;

    /**
     * For the protocols; {@link #openOver} follows.
     *
     * @param name whose connection it is, for the log
     */
    LayerStream(EventLoop loop, String name, Owner owner) {
        this.loop = loop;
        this.name = name;
        this.owner = owner;
        this.resumeTask = loop.task(this::resume);
        this.writableTask = loop.task(this::writable);
        this.endTask = loop.task(this::end);
        this.timer = loop.timer(this::timeOut);
    }

    /** Opens the stream beneath, and begins to agree with the peer if that one is ready. */
    final void openOver(Opener opener) throws PosixException {
        ByteStream opened;
        try {
            opened = opener.open(this);
        } catch (PosixException | RuntimeException e) {
            release();
            throw e;
        }
        lower = opened;
        timer.start(NEGOTIATION_NS);
        if (opened.isReady()) {
            negotiate();
        }
        if (state == State.OPENING) {
            state = State.NEGOTIATING;
        }
    }

    // --- for the protocols

    /** The stream beneath is ready: begins to agree with the peer, up to {@link #becomeReady}. */
    abstract void negotiate();

    /**
     * Takes up encoded input from {@link #raw}, after all that came of it before has been delivered. Calls {@link #setPlain}
     * if there is something for the owner.
     *
     * @return whether to be called again: false if more input or an answer is needed first, or it is over
     */
    abstract boolean decode();

    /**
     * Sends what there is room for, as {@link #write}. If that is not all, {@link #waitForRoom} or {@link #failSoon} must
     * have been called.
     */
    abstract long send(IoVector data);

    /** Sends what the protocol itself has to say; true if nothing of it is left that could be sent now. */
    abstract boolean flush();

    /** Called each time {@link #flush} has succeeded after it had to wait. */
    void flushed() {}

    /** The owner has closed the stream: adds to what {@link #flush} sends. */
    void sayGoodbye() {}

    /** Frees memory; called once. */
    abstract void free();

    /** Whose connection it is. */
    final String name() {
        return name;
    }

    /** Whoever uses the stream. Any call may close it, see {@link #isOpen}. */
    final Owner owner() {
        return owner;
    }

    /** The stream beneath. */
    final ByteStream lower() {
        if (lower == null) {
            throw new IllegalStateException("not open yet");
        }
        return lower;
    }

    /** Whether the owner still uses it. */
    final boolean isOpen() {
        return state.compareTo(State.LINGERING) < 0 && !saidEnd;
    }

    @Override
    public final boolean isReady() {
        return state == State.READY;
    }

    /** Has input delivered; it must stay where it is until {@link #decode} is called next. */
    final void setPlain(long address, int bytes) {
        plain = address;
        plainBytes = bytes;
    }

    /** The peer has agreed: bytes can pass. */
    final void becomeReady() {
        timer.cancel();
        boolean isLate = state == State.NEGOTIATING;
        state = State.READY;
        if (isLate) {
            owner.ready();
        }
        resumeSoon();
    }

    /** Has {@link Owner#writable} follow, as a write was cut short. */
    final void waitForRoom() {
        waitsForRoom = true;
    }

    /** Has {@link Owner#writable} follow in this turn, whatever the stream beneath says. */
    final void writableSoon() {
        waitsForRoom = true;
        writableTask.schedule();
    }

    /** Has decoding go on, at the end of this turn. */
    final void resumeSoon() {
        if (isOpen()) {
            resumeTask.schedule();
        }
    }

    /** Ends the connection with a line in the log. Not from within {@link #write}. */
    final void fail(String what) {
        warn(what);
        end();
    }

    /** The same at the end of this turn. */
    final void failSoon(String what) {
        warn(what);
        endTask.schedule();
    }

    private void warn(String what) {
        if (isOpen()) {
            owner.disagreed(name, what);
        }
    }

    /** Ends the connection, once. */
    final void end() {
        if (isOpen()) {
            saidEnd = true;
            timer.cancel();
            owner.ended();
        }
    }

    // --- as a stream

    @Override
    public final long write(IoVector data) {
        return lowerEnded ? data.bytes() : send(data); // nobody is made to wait for a peer that has gone
    }

    @Override
    public final void acceptInput() {
        resumeSoon();
    }

    private void resume() {
        pump();
        if (isOpen()) {
            lower().acceptInput(); // also while there is no room: a peer that has left may not be waited for any more
        }
    }

    private void pump() {
        while (isOpen()) {
            if (plainBytes > 0) {
                if (!deliver()) {
                    return;
                }
            } else if (!decode()) {
                break;
            }
        }
        if (lowerEnded && plainBytes == 0) {
            end();
        }
    }

    private boolean deliver() {
        IoVector buffers = owner.receiveBuffers();
        if (buffers.isEmpty()) {
            if (lowerEnded && !owner.isReceiving()) {
                end();
            }
            return false;
        }
        int n;
        try {
            n = buffers.copyFrom(plain, plainBytes);
        } catch (InternalError e) {
            owner.buffersGone(new MemoryFaultException("copy"));
            return false; // kept for whoever comes next
        }
        plain += n;
        plainBytes -= n;
        owner.received(n);
        return true;
    }

    /** Input that has been decoded, then what has not. */
    final void packInput(Parcel into) {
        byte[] input = new byte[plainBytes + raw.bytes()];
        NativeMemory.get(plain, input, 0, plainBytes);
        NativeMemory.get(raw.address(), input, plainBytes, raw.bytes());
        into.put("input", input).put("decoded", plainBytes).put("ready", isReady());
    }

    final void unpackInput(Parcel from) {
        int decoded = (int) from.number("decoded", 0);
        raw.restore(from.bytes("input"), decoded);
        setPlain(raw.base(), decoded);
    }

    @Override
    public final void abandon() {
        if (state.compareTo(State.LINGERING) < 0) {
            cancelTasks();
            release();
        }
    }

    private void cancelTasks() {
        timer.cancel();
        resumeTask.cancel();
        writableTask.cancel();
        endTask.cancel();
    }

    @Override
    public final void close() {
        if (state.compareTo(State.LINGERING) >= 0) {
            return;
        }
        cancelTasks();
        if (lower != null && lower.isReady() && !lowerEnded) {
            sayGoodbye();
            if (!flush() && linger()) {
                return;
            }
        }
        release();
    }

    /** Stays for a while, if there is room for one more and somebody who would let it go. */
    private boolean linger() {
        if (loop.isStopped()) {
            return false;
        }
        state = State.LINGERING;
        boolean stays = LINGERING.incrementAndGet() <= MAX_LINGERING;
        if (stays) {
            timer.start(LINGER_NS);
        }
        return stays;
    }

    private void timeOut() {
        if (state == State.LINGERING) {
            release();
        } else {
            fail("the peer took too long to agree");
        }
    }

    private void release() {
        if (state == State.LINGERING) {
            LINGERING.decrementAndGet();
        }
        state = State.RELEASED;
        timer.cancel();
        if (lower != null) {
            lower.close();
        }
        raw.free();
        free();
    }

    // --- as owner of the stream beneath

    @Override
    public final IoVector receiveBuffers() {
        return isOpen() && plainBytes == 0 ? raw.room() : raw.noRoom();
    }

    @Override
    public final void disagreed(String who, String reason) {
        owner.disagreed(who, reason);
    }

    @Override
    public final void received(long bytes) {
        if (isOpen()) {
            raw.added((int) bytes);
            pump();
        }
    }

    @Override
    public final void buffersGone(MemoryFaultException fault) {
        throw fault; // memory of our own does not vanish
    }

    @Override
    public final boolean isReceiving() {
        return isOpen() && (!isReady() || owner.isReceiving());
    }

    @Override
    public final void writable() {
        if (state == State.RELEASED || (!lowerEnded && !flush())) {
            return;
        }
        if (state == State.LINGERING) {
            release();
            return;
        }
        flushed();
        if (waitsForRoom && isReady() && isOpen()) {
            waitsForRoom = false;
            owner.writable();
        }
    }

    @Override
    public final void ready() {
        if (isOpen()) {
            negotiate();
        }
    }

    @Override
    public final void breakReceived() {
        owner.breakReceived();
    }

    @Override
    public final boolean wantsSize() {
        return owner.wantsSize();
    }

    @Override
    public final void resized(int columns, int rows) {
        owner.resized(columns, rows);
    }

    @Override
    public final void ended() {
        lowerEnded = true;
        if (state == State.LINGERING) {
            release();
            return;
        }
        pump();
        if (isOpen() && waitsForRoom) {
            writableTask.schedule(); // what the peer had sent may still have to wait, but output has not
        }
    }
}
