package org.vportd.virtio.queue;

import java.lang.invoke.VarHandle;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.IoVector;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.memory.Iotlb;

/**
 * A virtqueue as a device uses it, whatever the format of its ring.
 *
 * <p>Chains the device has walked and not returned form a window. Their buffers, in one direction, lie one after the other
 * in {@link #segments()}, ready for a scatter/gather call, and are returned strictly in order: {@link #consume} after
 * reading from them, {@link #fill} after writing to them. Either may end in the middle of a buffer, so what a call leaves
 * over is simply still there at the next one. {@link #publish} then shows the driver all that was returned, at once.
 *
 * <pre>{@code
 *        returned            window                    not walked yet
 *   ... | used | used |  chain | chain | chain  |  available | available | ...
 *                     ^base()  ^segments()      ^next to walk
 * }</pre>
 *
 * <p>With VIRTIO_F_IN_ORDER one used element tells of all chains up to its own (§2.7.9, §2.8.8). Those in between count as
 * used completely, so only chains that the device can write nothing to are passed over.
 *
 * <p>A chain is given up only by returning it, so {@link #rewind} and a new start continue exactly where the window began.
 */
public abstract class VirtQueue implements AutoCloseable {
    /** No buffer lies in more than one segment of this size or less; bounds the work of one system call. */
    public static final int MAX_SEGMENT_BYTES = 1 << 20;

    private static final int MIN_WINDOW_CHAINS = 32;
    private static final int MAX_WINDOW_CHAINS = 1024;
    private static final int MAX_WINDOW_BYTES = 1 << 18;
    private static final int MAX_ROUNDS = 16;
    private static final long MAX_BYTES_PER_TURN = 1 << 19;
    private static final int MAX_DESCRIPTORS_PER_WALK = QueueConfig.MAX_SIZE;
    private static final int MAX_DESCRIPTORS_PER_TURN = 4 * MAX_DESCRIPTORS_PER_WALK;
    private static final int INITIAL_CHAINS = 16;

    /** The answer of {@link #walkNext} if none is available. */
    static final long NO_CHAIN = -1;

    /** The answer of {@link #walkNext} if one is available that lacks a translation. */
    static final long UNTRANSLATED = -2;

    private static final int STEPS_SHIFT = 16;
    private static final long WRITABLE = 1L << 32;

    private final boolean batches;
    private final int maxReadable;
    private final int maxWritable;
    private final int callAfter;
    private final DriverNotifier notifier;
    private final CallPatience patience = new CallPatience();
    private final IoVector segments = new IoVector();
    private long[] tickets = new long[INITIAL_CHAINS];
    private long[] sizes = new long[INITIAL_CHAINS];
    private int head;
    private int chains;
    private long firstDone;
    private HeldPosition held = HeldPosition.NONE;
    private @Nullable QueueProgress progress;
    /** The first chain that the driver sees as not returned, and what was consumed from there on. */
    private int shownBase;

    private long consumedSinceShown;
    private long walkedDescriptors;
    /** Chains returned that the next used element will tell of, in steps of the ring, and the id of the last of them. */
    private int batchedSteps;

    private int batchedId;
    /** Steps shown to the driver since it was asked last whether it wants a call. */
    private int uncalled;

    private boolean waiting;
    private boolean called;
    private @Nullable BooleanSupplier looker;

    /** Notes what is written to guest memory, or null. */
    @Nullable
    RingLog log;

    /**
     * For the formats.
     *
     * @param config of which the base is not used
     * @param notifier calls the driver
     */
    VirtQueue(QueueConfig config, DriverNotifier notifier) {
        this.batches = config.features().inOrder();
        this.maxReadable = partOf(config, 2);
        this.maxWritable = partOf(config, 4);
        this.callAfter = config.size() / 2;
        this.notifier = notifier;
    }

    /**
     * A window takes only part of the ring, so that the driver refills it while the device is at work on the rest. A driver
     * that cannot say for which chain it waits would be called for each window, and gets it all at once.
     */
    private static int partOf(QueueConfig config, int parts) {
        int part = config.features().eventIdx() ? config.size() / parts : config.size();
        return Math.min(MAX_WINDOW_CHAINS, Math.max(MIN_WINDOW_CHAINS, part));
    }

    /**
     * Makes the queue of the format that was negotiated.
     *
     * @throws DriverFaultException if the values cannot be those of such a ring
     */
    public static VirtQueue open(QueueConfig config, GuestMemory memory, DriverNotifier notifier) {
        return open(config, memory, notifier, (InflightStore) null, 0);
    }

    /**
     * The same, with chains in flight noted. What a device that is gone had taken and not returned, as is noted there, is
     * taken again.
     *
     * @param region where to note them, checked with {@link InflightRegion#fault}, or null if nowhere
     */
    public static VirtQueue open(
            QueueConfig config, GuestMemory memory, DriverNotifier notifier, @Nullable InflightRegion region) {
        return region == null
                ? open(config, memory, notifier)
                : open(config, memory, notifier, new InflightStore(region), region.entries());
    }

    static VirtQueue open(
            QueueConfig config,
            GuestMemory memory,
            DriverNotifier notifier,
            @Nullable InflightStore store,
            int entries) {
        if (config.features().packed()) {
            InflightPacked notes = store == null ? null : new InflightPacked(store, entries);
            return new PackedQueue(config, memory, notifier, notes);
        }
        InflightSplit notes = store == null ? null : new InflightSplit(store, entries);
        return new SplitQueue(config, memory, notifier, notes);
    }

    /**
     * From here on addresses in the ring are those of an IOMMU. A chain that lacks a translation is not walked; the queue
     * {@link #isWaiting waits} then, and whoever has the translation notifies the device of the queue.
     */
    public final void translateThrough(Iotlb translations) {
        chain().translateThrough(translations);
    }

    /** Whether the next chain lacks a translation. */
    public final boolean isWaiting() {
        return waiting;
    }

    /** Whether the next chain lacked a translation, and it makes sense to look again. */
    public final boolean canGoOn() {
        return waiting && chain().canGoOn();
    }

    /** Whether the next chain lacks the translation of an address. */
    public final boolean isAwaiting(long iova) {
        return waiting && chain().isAwaiting(iova);
    }

    /** Whether the window has a byte of a range of this process's memory. */
    public final boolean holds(long address, long lengthBytes) {
        return segments.overlaps(address, lengthBytes);
    }

    /** How {@link #drain} ended. */
    public enum Drained {
        /** The ring is empty and the driver will kick. */
        IDLE,
        /** The consumer cannot go on, or a translation is missing; kicks are off. */
        BLOCKED,
        /** The turn's share is used up; there may be more. Kicks are off. */
        MORE
    }

    /** Reads from {@link #segments()} and calls {@link #consume}. */
    @FunctionalInterface
    public interface Consumer {
        /** Consumes what it can of the window; false if it could not take all of it. */
        boolean accept(VirtQueue queue);
    }

    /**
     * Consumes device-readable buffers until there are none, the consumer is blocked, or the share of one turn is used up:
     * the loop of Virtio 1.3 §2.7.10, with kicks off in between.
     */
    public final Drained drain(Consumer consumer) {
        disableKicks();
        long limit = walkedDescriptors + MAX_DESCRIPTORS_PER_TURN;
        long bytes = 0;
        for (int round = 0; round < MAX_ROUNDS && bytes < MAX_BYTES_PER_TURN && walkedDescriptors < limit; round++) {
            walkReadable();
            if (chains == 0) {
                publish(); // chains without a byte have been returned on the way
                if (waiting) {
                    return Drained.BLOCKED; // until the IOMMU has answered
                }
                if (!enableKicks()) {
                    return Drained.IDLE;
                }
                disableKicks(); // a chain slipped in before the driver could see that it has to kick
                continue;
            }
            bytes += segments.bytes();
            boolean all = consumer.accept(this);
            publish();
            if (!all) {
                return Drained.BLOCKED;
            }
        }
        return Drained.MORE;
    }

    /** Walks available chains into the window, keeping what the device may read. */
    public final void walkReadable() {
        walk(false, maxReadable);
    }

    /**
     * Walks available chains into the window, keeping what the device may write.
     *
     * @param wanted how many chains are of use
     */
    public final void walkWritable(int wanted) {
        walk(true, Math.min(maxWritable, wanted));
    }

    private void walk(boolean writable, int chainLimit) {
        long limit = walkedDescriptors + MAX_DESCRIPTORS_PER_WALK;
        waiting = false;
        chain().want(writable);
        IoVector into = segments;
        while (chains < chainLimit
                && walkedDescriptors < limit
                && into.bytes() < MAX_WINDOW_BYTES
                && into.segments() < IoVector.MAX_SEGMENTS_PER_CALL) {
            long before = into.bytes();
            long ticket = walkNext();
            if (ticket < 0) {
                if (ticket == UNTRANSLATED) {
                    into.truncate(into.bytes() - before);
                    waiting = true;
                }
                break;
            }
            if (chains == tickets.length) {
                grow();
            }
            int slot = (head + chains) & (tickets.length - 1);
            tickets[slot] = ticket;
            sizes[slot] = into.bytes() - before;
            chains++;
        }
        if (held.bytes() > 0 && chains > 0) {
            resume();
        }
        int walked = chains;
        returnFinished(); // chains without a byte in this direction
        if (chains < walked) {
            publish(); // the window may stay as it is for long, and a stop must find nothing returned but not shown
        }
    }

    private void grow() {
        long[] grownTickets = new long[chains * 2];
        long[] grownSizes = new long[chains * 2];
        for (int i = 0; i < chains; i++) {
            grownTickets[i] = tickets[(head + i) & (chains - 1)];
            grownSizes[i] = sizes[(head + i) & (chains - 1)];
        }
        tickets = grownTickets;
        sizes = grownSizes;
        head = 0;
    }

    private void resume() {
        HeldPosition position = held;
        held = HeldPosition.NONE;
        if (position.index() != base()) {
            return;
        }
        long bytes = Math.min(position.bytes(), segments.bytes());
        firstDone = bytes;
        consumedSinceShown = bytes;
        segments.consume(bytes);
        if (bytes < position.bytes() && hasAvailable()) { // the rest is in chains beyond this window
            returnFinished();
            publish();
            held = new HeldPosition(base(), position.bytes() - bytes);
        }
    }

    /** The buffers of the window, less what was consumed; {@link #consume} and {@link #fill} change it, nobody else. */
    public final IoVector segments() {
        return segments;
    }

    /** The number of chains in the window. */
    public final int windowChains() {
        return chains;
    }

    /** The bytes of the first chain that are still in {@link #segments()}; 0 if the window is empty. */
    public final long firstBytes() {
        return chains == 0 ? 0 : sizes[head] - firstDone;
    }

    /** Takes bytes from the front of {@link #segments()}; chains used up are returned with length 0 (§2.7.8.2). */
    public final void consume(long bytes) {
        segments.consume(bytes);
        firstDone += bytes;
        if (progress != null) {
            consumedSinceShown += bytes;
            progress.consumed(shownBase, consumedSinceShown);
        }
        returnFinished();
    }

    private void returnFinished() {
        while (chains > 0 && firstDone >= sizes[head]) {
            firstDone -= sizes[head];
            returnFirst(0);
        }
    }

    /**
     * Notes that bytes were written to the front of {@link #segments()}. Each chain touched is returned with the bytes
     * written to it, the last one also if it is not full.
     */
    public final void fill(long bytes) {
        if (log != null) {
            log.wroteTo(segments, bytes);
        }
        long left = bytes;
        while (left > 0) {
            long size = sizes[head];
            long written = Math.min(left, size);
            segments.consume(size);
            returnFirst(written);
            left -= written;
        }
    }

    /** Returns the first chain of the window unused, with length 0. */
    public final void skipFirst() {
        segments.consume(firstBytes());
        firstDone = 0;
        returnFirst(0);
    }

    private void returnFirst(long written) {
        long ticket = tickets[head];
        head = (head + 1) & (tickets.length - 1);
        chains--;
        int steps = batchedSteps + ((int) ticket >>> STEPS_SHIFT);
        if (batches && (ticket & WRITABLE) == 0) {
            batchedSteps = steps;
            batchedId = (int) ticket & 0xffff;
            return;
        }
        batchedSteps = 0;
        putUsed((int) ticket & 0xffff, (int) written, steps);
    }

    /** Shows the driver what was returned since the last time, and calls it if it wants that. */
    public final void publish() {
        show();
        callDriver();
    }

    /**
     * The same for a device that will have more to return at once: the call is put off until half of the ring has come
     * together. A {@link #publish} or {@link #rewind} follows in the same turn, and makes it.
     */
    public final void publishPart() {
        show();
        if (uncalled >= callAfter) {
            callDriver();
        }
    }

    private void show() {
        int steps = batchedSteps;
        if (steps > 0) {
            batchedSteps = 0;
            putUsed(batchedId, 0, steps);
        }
        if (progress == null) {
            uncalled += showUsed();
        } else if (base() != shownBase) {
            progress.returning(base(), firstDone);
            uncalled += showUsed();
            shownBase = base();
            consumedSinceShown = firstDone;
        }
    }

    private void callDriver() {
        int shown = uncalled;
        uncalled = 0;
        if (shown > 0 && driverWantsCall(shown) && (isFirstCall() || !seesByItself(shown))) {
            called = true;
            notifier.call();
        }
    }

    /** Whether the driver, which wants a call, has seen what was shown before one could reach it. */
    private boolean seesByItself(int shown) {
        if (!patience.isWorthwhile()) {
            return false;
        }
        for (int look = 0; look < CallPatience.LOOKS; look++) {
            Thread.onSpinWait();
            VarHandle.acquireFence(); // each look reads anew
            if (!driverWantsCall(shown)) {
                patience.paid();
                return true;
            }
        }
        patience.wasted();
        return false;
    }

    /** Whether the driver was never called: it may have begun to wait before it could say for what. */
    final boolean isFirstCall() {
        return !called;
    }

    /**
     * Has it noted how far the device comes in what it may read, so that one that comes after it can go on there. To be
     * said before anything is walked.
     *
     * @param notes whose memory outlives the queue, or null to note nothing any more
     */
    public final void track(@Nullable QueueProgress notes) {
        progress = notes;
        shownBase = base();
        consumedSinceShown = 0;
    }

    /** The steps by which what was returned is ahead of the used elements. */
    final int batchedSteps() {
        return batchedSteps;
    }

    /**
     * Gives the window back to the ring: its chains are available again, in the same order. What was returned has been
     * published before, at least {@linkplain #publishPart in part}.
     *
     * @return how much of the first one was consumed
     */
    public final HeldPosition rewind() {
        if (uncalled > 0) {
            uncalled = 0;
            notifier.call(); // wanted or not: the ring, which would say it, may have gone
        }
        HeldPosition position = firstDone == 0 ? held : new HeldPosition(base(), firstDone);
        unwalk();
        segments.clear();
        chains = 0;
        firstDone = 0;
        held = HeldPosition.NONE;
        return position;
    }

    /** Has the first chain to be walked go on where it was held, if it is the one that was. */
    public final void resumeAt(HeldPosition position) {
        held = position;
    }

    /** Has what is written to guest memory noted from here on, or not any more. */
    public final void logTo(@Nullable RingLog ringLog) {
        log = ringLog;
    }

    /** Frees the native memory of the window. The ring is not touched. */
    @Override
    public void close() {
        segments.close();
        chains = 0;
    }

    /** Notes no chains in flight any more: the memory for that has gone. */
    public abstract void noteNoMore();

    /** The state of the ring as GET_VRING_BASE reports it: the first chain not returned. */
    public abstract int base();

    /** Whether no chain has been returned since the ring was made, as far as its place tells. */
    public abstract boolean isNew();

    /** Whether the driver has made chains available that are not in the window. */
    public abstract boolean hasAvailable();

    /**
     * Asks the driver to kick at the next chain, unless {@linkplain #lookedAtBy somebody looks} for it.
     *
     * @return whether a chain has become available that it may not kick for; look again then. One that waits for its
     *     translation does not count
     */
    public final boolean enableKicks() {
        BooleanSupplier looking = looker;
        if (looking != null && looking.getAsBoolean()) {
            return !waiting && hasAvailable();
        }
        return askForKicks();
    }

    /** The same, whoever looks. */
    public abstract boolean askForKicks();

    /**
     * Has somebody asked first when the driver would have to kick.
     *
     * @param willLook answers whether he looks for the next chain by himself, and makes the device be notified of it
     */
    public final void lookedAtBy(BooleanSupplier willLook) {
        looker = willLook;
    }

    /** Lets the driver know that kicks are not needed for now; it may kick all the same. */
    public abstract void disableKicks();

    /** Walks the next chain and adds to the window what its {@link #chain} wants of it; answers {@link #chainOf} it, {@link #NO_CHAIN} or {@link #UNTRANSLATED}. */
    abstract long walkNext();

    /**
     * What has to be known of a chain to return it.
     *
     * @param id what the used element names it by; range 0 to 65535
     * @param steps by how much it moves the ring on; range 1 to 32768
     * @param writable whether the device could write to it
     */
    static long chainOf(int id, int steps, boolean writable) {
        return (writable ? WRITABLE : 0) | (long) steps << STEPS_SHIFT | id;
    }

    /** Notes how long a chain was, also in descriptors that hold nothing: they cost the turn its time all the same. */
    final void countDescriptors(int descriptors) {
        walkedDescriptors += descriptors;
    }

    /** What reads the chains. */
    abstract ChainReader chain();

    /** Makes the chains of the window available again. */
    abstract void unwalk();

    /** Writes the next used element, not visible to the driver before {@link #showUsed}. */
    abstract void putUsed(int id, int written, int steps);

    /**
     * Makes used elements visible, the first one last, before the driver's wish to be called is read.
     *
     * @return by how many steps of the ring; 0 for nothing new
     */
    abstract int showUsed();

    /** Whether the driver wants to be called, as far as it says now, for so many steps shown last. */
    abstract boolean driverWantsCall(int shown);
}
