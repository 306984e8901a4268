package org.vportd.chardev;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.vportd.handover.Parcel;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;

/**
 * A character device: carries bytes between one front-end and the outside.
 *
 * <p>Back-pressure runs both ways. Output: {@link #write} takes what it can; having taken less, it calls {@link #writable}
 * once there is room, or raises {@link ChardevEvent#CLOSED}. Input: a chardev reads only into {@link #receiveBuffers()};
 * while these are empty it leaves the bytes with the peer until {@link #acceptInput}.
 *
 * <p>"Open" means that a peer is there. A chardev without a peer takes all output and drops it.
 */
public abstract class Chardev implements AutoCloseable {
    private static final IoVector NO_BUFFERS = new IoVector();

    private final String id;
    private boolean open;
    private Object peer = new Object();
    private final Deque<byte[]> inheritedDebts = new ArrayDeque<>();
    private boolean handedOver;
    private @Nullable WindowSize windowSize;
    private @Nullable ChardevFrontend frontend;
    private @Nullable OutputLog log;
    private BiConsumer<Chardev, ChardevEvent> observer = (chardev, event) -> {};

    /**
     * For the types.
     *
     * @param id the name under which users know it
     */
    protected Chardev(String id) {
        this.id = id;
    }

    /** The name under which users know it. */
    public final String id() {
        return id;
    }

    /** What it is connected to, in the words of {@code query-chardev}, for example {@code unix:/run/c0,server=on}. */
    public abstract String filename();

    /** What the user has to be told once, when it has been made, for example the name of a terminal. */
    public Optional<String> notice() {
        return Optional.empty();
    }

    /**
     * Whether the program's start is to wait for a peer of this one ({@code wait=on}). Whoever starts the program turns the
     * loop until this is false, or until it is told to stop; opening itself never waits for a peer.
     */
    public boolean isAwaited() {
        return false;
    }

    /** Whether a peer is there. */
    public final boolean isOpen() {
        return open;
    }

    /** Stands for who is connected: another one for each connection, the same as long as there is none. */
    public final Object peer() {
        return peer;
    }

    /** The size of the peer's window as far as it is known, null otherwise. */
    public final @Nullable WindowSize windowSize() {
        return windowSize;
    }

    /** Whether output goes anywhere now. Some types have somewhere to put it without ever being open. */
    public boolean takesOutput() {
        return open;
    }

    /** The front-ends that use it. */
    public List<ChardevFrontend> frontends() {
        return frontend == null ? List.of() : List.of(frontend);
    }

    /** How many front-ends can use it at a time. */
    public int maxFrontends() {
        return 1;
    }

    /** The ids of the chardevs that it uses itself: members of a hub, what is under a multiplexer. */
    public List<String> uses() {
        return List.of();
    }

    /** Whether a front-end uses it. */
    public final boolean isBusy() {
        return !frontends().isEmpty();
    }

    /** Whether its front-end's own user is there, for example a process in the guest that has the port open. */
    public boolean isFrontendOpen() {
        return frontend != null && frontend.isOpen();
    }

    /**
     * Does nothing if one more front-end can use it.
     *
     * @throws ConfigException if there is no place left
     */
    public final void checkPlace() throws ConfigException {
        if (frontends().size() < maxFrontends()) {
            return;
        }
        throw new ConfigException(
                maxFrontends() == 1
                        ? "chardev '" + id + "' is already in use"
                        : "too many uses of multiplexed chardev '" + id + "' (maximum is " + maxFrontends() + ")");
    }

    /** What one more front-end is to use if there is a place: this one, or a part of it that is made for each. */
    protected Chardev place() {
        return this;
    }

    final void setFrontend(@Nullable ChardevFrontend user) {
        frontend = user;
        frontendChanged(user != null);
    }

    /** A front-end has come or left; one that comes hears of nothing before this. */
    protected void frontendChanged(boolean isThere) {}

    /**
     * Begins to work, once it is known that nothing stands in the way any more. Called once, before the first front-end
     * attaches. What it shares with the one in whose place it comes (a listening socket, the members of a hub) passes over
     * now.
     *
     * @param predecessor the one whose place it takes, whose front-ends come over next and which is then closed; or null
     */
    protected void begin(@Nullable Chardev predecessor) {}

    final void start(@Nullable Chardev predecessor) {
        begin(predecessor);
        if (log != null) {
            log.begin();
        }
    }

    final void setLog(@Nullable OutputLog to) {
        log = to;
    }

    final void setObserver(BiConsumer<Chardev, ChardevEvent> to) {
        observer = to;
    }

    /** Takes output as {@link #write}, and has what was taken logged; for parts that write for the whole. */
    protected final long output(IoVector data) {
        long taken = write(data);
        OutputLog to = log;
        if (to != null && taken > 0) {
            to.record(data, taken);
        }
        return taken;
    }

    /**
     * Puts in what the same chardev needs to go on in another process, whose type finds it in {@link Opening#inherited}.
     * Nothing changes by that: descriptors stay this chardev's, which goes on if the other one does not begin. Called at the
     * end of a turn.
     */
    protected void pack(Parcel into) {}

    /** All of it: what {@link #pack} puts in, the log, and what every chardev knows. */
    final void packWhole(Parcel into) {
        Parcel state = new Parcel();
        pack(state);
        into.put("state", state);
        if (log != null) {
            Parcel inLog = new Parcel();
            log.pack(inLog);
            into.put("log", inLog);
        }
        if (windowSize != null) {
            into.put("columns", windowSize.columns()).put("rows", windowSize.rows());
        }
        into.put(
                "owed",
                frontends().stream()
                        .map(user -> new Parcel().put("bytes", user.owed()))
                        .toList());
    }

    /**
     * Knows what {@link #packWhole} has put in, besides what the type does. Called when it has begun.
     *
     * @return whether one of its front-ends, which attach later, has to write something first: {@link #settleDebts} is to be
     *     called then
     */
    final boolean unpackWhole(Parcel from) {
        if (open) {
            raiseSize((int) from.number("columns", 0), (int) from.number("rows", 0));
        }
        from.parcels("owed").forEach(each -> inheritedDebts.add(each.bytes("bytes")));
        return inheritedDebts.stream().anyMatch(bytes -> bytes.length > 0);
    }

    /** What the next front-end to attach has to write before anything else, if it comes from another process. */
    final byte[] nextDebt() {
        byte[] next = inheritedDebts.poll();
        return next == null ? new byte[0] : next;
    }

    /** Has front-ends write what they have to write before anything else. */
    final void settleDebts() {
        inheritedDebts.clear(); // whoever has not come by now is not the one they are of
        List.copyOf(frontends()).forEach(ChardevFrontend::writable);
    }

    /** Ends here without a trace outside: what was packed goes on elsewhere. */
    final void handOver() {
        handedOver = true;
        dispose();
    }

    final void dropFrontend() {
        frontend = null;
    }

    /**
     * Whether another process goes on with what this one has {@linkplain #pack packed}: to be left as it is at {@link
     * #close}, without a word to a peer.
     */
    protected final boolean isHandedOver() {
        return handedOver;
    }

    /** Closes it and its log. */
    final void dispose() {
        close();
        if (log != null) {
            log.close();
            log = null;
        }
    }

    /**
     * Takes output.
     *
     * @param data not consumed by this call, valid until it returns
     * @return the bytes taken from the front; fewer than there are if it is full, see above
     */
    protected abstract long write(IoVector data);

    /**
     * The front-end cannot wait and is about to lose output. Whoever has had all that came before may still take it; for a
     * chardev with a single peer there is nothing to do.
     *
     * @param data what is about to be lost
     * @param heldBytes how many bytes before it have not been taken yet and will be written again
     */
    protected void spill(IoVector data, long heldBytes) {}

    /**
     * What was not taken will not be written again, except for its beginning: what comes behind that has nothing to do with
     * what was written before.
     *
     * @param keptBytes how long that beginning is
     */
    protected void forget(long keptBytes) {}

    /**
     * Takes a chardev in as one of its own, if it is made of others.
     *
     * @param member has no front-end yet
     * @param options what is asked for as to this member
     * @throws ConfigException if it cannot
     */
    public void addMember(Chardev member, Options options) throws ConfigException {
        throw new ConfigException("chardev: device '" + id + "' is not a multiplexer device of 'mux-be' type");
    }

    /**
     * Lets one go that {@link #addMember} has taken in.
     *
     * @throws ConfigException if there is none of that id
     */
    public void removeMember(String memberId) throws ConfigException {
        throw new ConfigException("chardev: device '" + id + "' is not a multiplexer device of 'mux-be' type");
    }

    /**
     * What it has taken and not put out, though the chardev it stands on has not had it. Goes to the one that comes in its
     * place.
     */
    protected byte[] unwritten() {
        return new byte[0];
    }

    /** Has a break reach the front-end, as if the peer had sent it. */
    public void sendBreak() {
        raise(ChardevEvent.BREAK);
    }

    /**
     * The front-end has room again, or has stopped reading for good: {@link #isReceiving} tells. Input is not delivered
     * before this returns.
     */
    protected void acceptInput() {}

    /** The front-end's own user has come or gone. */
    protected void frontendOpened(boolean isOpen) {}

    /** The front-end's buffers for input, empty if there is none. */
    protected final IoVector receiveBuffers() {
        return frontend == null ? NO_BUFFERS : frontend.handler().receiveBuffers();
    }

    /**
     * Copies input into the front-end's buffers, as much as there is room for.
     *
     * @return how much that was
     */
    protected final int deliver(long address, int lengthBytes) {
        int delivered = 0;
        while (delivered < lengthBytes) {
            int n;
            try {
                n = receiveBuffers().copyFrom(address + delivered, lengthBytes - delivered);
            } catch (InternalError e) {
                buffersGone(new MemoryFaultException("copy"));
                return delivered;
            }
            if (n == 0) {
                return delivered;
            }
            received(n);
            delivered += n;
        }
        return delivered;
    }

    /** Has put input into the front of {@link #receiveBuffers()}. */
    protected final void received(long bytes) {
        if (frontend != null) {
            frontend.handler().received(bytes);
        }
    }

    /** Has found the memory of {@link #receiveBuffers()} gone. */
    protected final void buffersGone(MemoryFaultException fault) {
        if (frontend != null) {
            frontend.handler().buffersGone(fault);
        }
    }

    /** Whether input waits for room that will come. */
    protected final boolean isReceiving() {
        return frontend != null && frontend.handler().isReceiving();
    }

    /** Has room again after a short {@link #write}. */
    protected final void writable() {
        if (frontend != null) {
            frontend.writable();
        }
    }

    /** Tells the front-end; OPENED and CLOSED also set {@link #isOpen()}, before it hears of them. */
    protected final void raise(ChardevEvent event) {
        if (event == ChardevEvent.OPENED) {
            open = true;
            peer = new Object();
        } else if (event == ChardevEvent.CLOSED) {
            open = false;
            windowSize = null; // the next peer has its own
        }
        observer.accept(this, event);
        if (frontend != null) {
            frontend.happened(event);
        }
    }

    /**
     * Has learnt the size of the peer's window. Numbers that are not one are left out; a size that is known already is not
     * told again.
     */
    protected final void raiseSize(int columns, int rows) {
        if (!WindowSize.isKnown(columns, rows)) {
            return;
        }
        WindowSize size = new WindowSize(columns, rows);
        if (!size.equals(windowSize)) {
            windowSize = size;
            if (frontend != null) {
                frontend.handler().resized(size);
            }
        }
    }

    /** Whether the front-end wants to know the size of the peer's window; if not, the peer need not be asked. */
    protected final boolean wantsSize() {
        return frontend != null && frontend.handler().wantsSize();
    }

    /** What a stream of this chardev sees of it: the front-end, whichever that is at the time. */
    protected abstract class StreamOwner implements ByteStream.Owner {
        /** For the types. */
        protected StreamOwner() {}

        @Override
        public final IoVector receiveBuffers() {
            return Chardev.this.receiveBuffers();
        }

        @Override
        public void received(long bytes) {
            Chardev.this.received(bytes);
        }

        @Override
        public final void buffersGone(MemoryFaultException fault) {
            Chardev.this.buffersGone(fault);
        }

        @Override
        public final boolean isReceiving() {
            return Chardev.this.isReceiving();
        }

        @Override
        public final void writable() {
            Chardev.this.writable();
        }

        @Override
        public final boolean wantsSize() {
            return Chardev.this.wantsSize();
        }

        @Override
        public void resized(int columns, int rows) {
            raiseSize(columns, rows);
        }

        @Override
        public final boolean takesDescriptors() {
            return frontend != null && frontend.handler().takesDescriptors();
        }

        @Override
        public final void descriptorsReceived(List<Fd> descriptors) {
            if (frontend == null) {
                descriptors.forEach(Fd::close);
            } else {
                frontend.handler().descriptorsReceived(descriptors);
            }
        }
    }

    /** Lets go of everything outside. Raises nothing; the front-end has been detached before. */
    @Override
    public abstract void close();
}
