package org.vportd.virtio.queue;

import static org.vportd.virtio.queue.PackedLayout.advance;

import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.LittleEndian;
import org.vportd.virtio.memory.GuestMemory;

/**
 * A packed virtqueue (Virtio 1.3 §2.8). Places are cursors as {@link PackedLayout} has them. Since chains are returned in
 * order, the first descriptor of the window is also where the next used one goes.
 *
 * <p>The buffer id is the driver's own affair: it is returned as it came and never used as an index here.
 */
public final class PackedQueue extends VirtQueue {
    /** No descriptor that is available looks like this. */
    private static final long NOT_READ = 0;

    private static final int INITIAL_ELEMENTS = 16;

    // Parts of a descriptor's second half.
    private static final long LENGTH = 0xffff_ffffL;
    private static final int FLAGS_SHIFT = 48;
    private static final long NEXT = (long) SplitLayout.VIRTQ_DESC_F_NEXT << FLAGS_SHIFT;
    private static final long WRITABLE = (long) SplitLayout.VIRTQ_DESC_F_WRITE << FLAGS_SHIFT;
    private static final long INDIRECT = (long) SplitLayout.VIRTQ_DESC_F_INDIRECT << FLAGS_SHIFT;

    private final int size;
    private final boolean eventIdx;
    private final long descriptors;
    private final long driverEvent;
    private final long deviceEvent;
    private final ChainReader chain;

    private int nextWalk;
    /** The second half of the descriptor at {@link #nextWalk} if it is available. */
    private long headRest = NOT_READ;
    /** Descriptors walked that the driver does not see as used yet. */
    private int taken;

    private int nextUsed;
    /** The steps of the ring that are returned and not visible yet. */
    private int unpublished;
    /** The used descriptors that tell of them: where each goes, and its second half, in turn. */
    private long[] elements = new long[2 * INITIAL_ELEMENTS];

    private int elementCount;

    private @Nullable InflightPacked inflight;
    /** Chains noted by a device that is gone, that cannot be read from the ring any more. */
    private final int[] again;

    private int againNext;
    private int againReturned;
    /** The steps of the ring of those that have not been returned. */
    private int againSteps;

    private boolean kicksOff;

    /**
     * Starts where the base has the next used descriptor: what was taken beyond it by a device that is gone, and never
     * returned, is taken again.
     *
     * @throws DriverFaultException if the values cannot be those of a packed ring
     */
    public PackedQueue(QueueConfig config, GuestMemory memory, DriverNotifier notifier) {
        this(config, memory, notifier, null);
    }

    /**
     * The same; what a device that is gone had taken, and where it returned chains, is known from what it noted.
     *
     * @param inflight where chains in flight are noted, or null if nowhere
     */
    PackedQueue(QueueConfig config, GuestMemory memory, DriverNotifier notifier, @Nullable InflightPacked inflight) {
        super(config, notifier);
        this.size = config.size();
        if (size < 1 || size > QueueConfig.MAX_SIZE) {
            throw new DriverFaultException("packed ring size is not within 1 to 32768: num=" + size);
        }
        if (!PackedLayout.isBase(config.base(), size)) {
            throw new DriverFaultException(
                    "base is outside of the ring: base=0x" + Integer.toHexString(config.base()) + " num=" + size);
        }
        this.eventIdx = config.features().eventIdx();
        this.descriptors = config.descriptorAddress();
        this.driverEvent = config.driverAddress();
        this.deviceEvent = config.deviceAddress();
        this.chain = new ChainReader(config, memory, segments(), "position");
        this.nextUsed = PackedLayout.usedCursor(config.base());
        this.inflight = inflight;
        this.again = inflight == null ? InflightPacked.NONE : recover(inflight);
        this.nextWalk = advance(nextUsed, againSteps, size);
        this.taken = againSteps;
    }

    /** Answers the chains that have to be taken again before the ring goes on behind all that was taken. */
    private int[] recover(InflightPacked from) {
        int[] heads = from.recover(
                nextUsed, size, cursor -> LittleEndian.getU16(descriptor(cursor) + PackedLayout.DESC_FLAGS_OFFSET));
        nextUsed = from.usedCursor();
        int cursor = nextUsed;
        boolean inRing = true;
        for (int head : heads) {
            int entry = head;
            for (int i = 0; i < from.length(head); i++) {
                long descriptor = descriptor(cursor);
                inRing &= LittleEndian.getLong(descriptor) == from.address(entry)
                        && LittleEndian.getLong(descriptor + PackedLayout.DESC_LEN_OFFSET) == from.rest(entry);
                cursor = PackedLayout.next(cursor, size);
                entry = from.following(entry);
            }
        }
        if (inRing) { // the usual case: none was being returned
            from.drop(heads);
            return InflightPacked.NONE;
        }
        for (int head : heads) {
            againSteps += from.length(head);
        }
        return heads;
    }

    private long descriptor(int cursor) {
        return descriptors + (long) PackedLayout.offset(cursor) * PackedLayout.DESC_LENGTH;
    }

    @Override
    public int base() {
        int used = advance(nextUsed, batchedSteps(), size);
        return againSteps == 0 ? PackedLayout.base(used) : PackedLayout.base(used, advance(used, againSteps, size));
    }

    @Override
    public boolean isNew() {
        // A ring that has been gone round has the same base every other time, but a last descriptor.
        return base() == PackedLayout.FIRST_BASE && LittleEndian.getLong(descriptor(size - 1)) == 0;
    }

    @Override
    public boolean hasAvailable() {
        return againNext < again.length || headRest != NOT_READ || lookAtHead();
    }

    private boolean lookAtHead() {
        int cursor = nextWalk;
        long rest = LittleEndian.getLong(descriptor(cursor) + PackedLayout.DESC_LEN_OFFSET); // len, id, flags at once
        if (!PackedLayout.isAvailable((int) (rest >>> FLAGS_SHIFT), cursor)) {
            return false;
        }
        VarHandle.acquireFence(); // acquire: the rest of the chain after its first flags (§2.8.6)
        headRest = rest;
        return true;
    }

    @Override
    long walkNext() {
        InflightPacked notes = inflight;
        if (notes != null && againNext < again.length) {
            return walkAgain(notes, again[againNext]);
        }
        if (headRest == NOT_READ && !lookAtHead()) {
            return NO_CHAIN;
        }
        long rest = headRest;
        headRest = NOT_READ;
        int cursor = nextWalk;
        chain.begin(PackedLayout.offset(cursor));
        if ((rest & (NEXT | INDIRECT)) != 0 || notes != null || taken == size) {
            return walkChain(cursor, rest, notes);
        }
        chain.add(LittleEndian.getLong(descriptor(cursor)), rest & LENGTH, (rest & WRITABLE) != 0); // the usual case
        countDescriptors(1);
        if (chain.isMissing()) {
            return UNTRANSLATED;
        }
        nextWalk = PackedLayout.next(cursor, size);
        taken++;
        return chainOf((int) (rest >>> 32) & 0xffff, 1, chain.isWritable());
    }

    /** Walks any chain: of several descriptors, with a table, to be noted, or one too many for the ring. */
    private long walkChain(int first, long firstRest, @Nullable InflightPacked notes) {
        int cursor = first;
        long rest = firstRest;
        int id;
        int slots = 0;
        if (notes != null) {
            notes.start();
        }
        while (true) {
            if (taken + slots == size) { // the driver cannot have had that many to make available
                throw chain.fault("chain has no end or the ring is overfull: num=" + size);
            }
            long address = LittleEndian.getLong(descriptor(cursor));
            id = (int) (rest >>> 32) & 0xffff; // that of the last one counts (§2.8.6)
            addDescriptor(address, rest, slots == 0);
            slots++;
            cursor = PackedLayout.next(cursor, size);
            if (notes != null) {
                notes.add(address, rest);
            }
            if ((rest & NEXT) == 0) {
                break;
            }
            rest = LittleEndian.getLong(descriptor(cursor) + PackedLayout.DESC_LEN_OFFSET);
        }
        countDescriptors(slots);
        if (chain.isMissing()) {
            return UNTRANSLATED;
        }
        nextWalk = cursor;
        taken += slots;
        if (notes != null) {
            notes.end();
        }
        return chainOf(id, slots, chain.isWritable());
    }

    /** A descriptor of the ring; a table is the only one of its chain (§2.8.7). */
    private void addDescriptor(long address, long rest, boolean first) {
        if ((rest & INDIRECT) == 0) {
            chain.add(address, rest & LENGTH, (rest & WRITABLE) != 0);
            return;
        }
        long length = rest & LENGTH;
        long table = chain.table(address, length, first && (rest & NEXT) == 0);
        if (table != GuestMemory.UNMAPPED) {
            readTable(table, (int) (length / PackedLayout.DESC_LENGTH));
        }
    }

    /** What is in the ring may have been replaced, so the chain is read from what was noted of it. */
    private long walkAgain(InflightPacked from, int head) {
        chain.begin(head);
        int slots = from.length(head);
        int entry = head;
        int id = 0;
        for (int i = 0; i < slots; i++) {
            long rest = from.rest(entry);
            id = (int) (rest >>> 32) & 0xffff;
            addDescriptor(from.address(entry), rest, i == 0);
            entry = from.following(entry);
        }
        countDescriptors(slots);
        if (chain.isMissing()) {
            return UNTRANSLATED;
        }
        from.takeAgain(head);
        againNext++;
        return chainOf(id, slots, chain.isWritable());
    }

    /** The entries follow each other; of their flags only WRITE means something (§2.8.7). */
    private void readTable(long table, int entries) {
        for (int i = 0; i < entries; i++) {
            long entry = table + (long) i * PackedLayout.DESC_LENGTH;
            long address = LittleEndian.getLong(entry);
            long rest = LittleEndian.getLong(entry + PackedLayout.DESC_LEN_OFFSET);
            if ((rest & INDIRECT) != 0) {
                throw chain.fault("indirect table within a table");
            }
            chain.add(address, rest & LENGTH, (rest & WRITABLE) != 0);
        }
        countDescriptors(entries);
    }

    @Override
    ChainReader chain() {
        return chain;
    }

    @Override
    public void noteNoMore() {
        inflight = null;
    }

    @Override
    void unwalk() {
        nextWalk = advance(nextUsed, batchedSteps() + againSteps, size);
        taken = unpublished + batchedSteps() + againSteps;
        headRest = NOT_READ;
        if (inflight != null) {
            inflight.rewind(againNext - againReturned);
            againNext = againReturned;
        }
    }

    @Override
    void putUsed(int id, int written, int steps) {
        if (elementCount == elements.length) {
            elements = Arrays.copyOf(elements, 2 * elementCount);
        }
        long flags = PackedLayout.usedFlags(nextUsed) | (written == 0 ? 0 : SplitLayout.VIRTQ_DESC_F_WRITE);
        elements[elementCount] = descriptor(nextUsed) + PackedLayout.DESC_LEN_OFFSET;
        elements[elementCount + 1] = (written & 0xffff_ffffL) | (long) id << 32 | flags << FLAGS_SHIFT;
        elementCount += 2;
        nextUsed = steps == 1 ? PackedLayout.next(nextUsed, size) : advance(nextUsed, steps, size);
        unpublished += steps;
        if (inflight != null) {
            putNoted(inflight, steps);
        }
    }

    private void putNoted(InflightPacked in, int steps) {
        in.put(steps);
        int left = steps;
        while (left > 0 && againReturned < againNext) {
            int length = in.length(again[againReturned++]);
            againSteps -= length;
            left -= length;
        }
    }

    @Override
    int showUsed() {
        int moved = unpublished;
        if (moved == 0) {
            return 0;
        }
        VarHandle.releaseFence(); // release: buffers before the descriptors that are used
        if (inflight == null) {
            // One store each, and in order: whenever it ends the driver sees a number of chains as used, and the others
            // as it left them.
            long[] all = elements;
            for (int i = 0; i < elementCount; i += 2) {
                LittleEndian.putLong(all[i], all[i + 1]);
                VarHandle.releaseFence();
            }
            logElements();
        } else {
            showNoted(inflight);
        }
        elementCount = 0;
        unpublished = 0;
        taken -= moved;
        VarHandle.fullFence(); // the flags before the driver's wish is read (§2.8.10)
        return moved;
    }

    private void putElement(int i) {
        LittleEndian.putLong(elements[i], elements[i + 1]);
    }

    private void logElements() {
        RingLog notes = log;
        if (notes != null) {
            for (int i = 0; i < elementCount; i += 2) {
                notes.wroteDescriptor(elements[i] - PackedLayout.DESC_LEN_OFFSET);
            }
        }
    }

    /** The first one last: by it the next device knows whether the driver can see the batch. */
    private void showNoted(InflightPacked in) {
        in.beforeShown(nextUsed);
        VarHandle.releaseFence();
        for (int i = elementCount - 2; i > 0; i -= 2) {
            in.beforeRingStore();
            putElement(i);
        }
        VarHandle.releaseFence(); // release: all else that is used before the first flags
        in.beforeRingStore();
        putElement(0);
        in.shown();
        logElements();
    }

    @Override
    boolean driverWantsCall(int moved) {
        int event = LittleEndian.getInt(driverEvent); // both fields at once
        if (PackedLayout.wantsNotification(event, eventIdx, nextUsed, moved, size)) {
            return true;
        }
        int flags = event >>> PackedLayout.EVENT_FLAGS_SHIFT & PackedLayout.EVENT_FLAGS_MASK;
        return isFirstCall() && flags == PackedLayout.RING_EVENT_FLAGS_DESC;
    }

    @Override
    public boolean askForKicks() {
        kicksOff = false;
        int event =
                eventIdx ? PackedLayout.eventAt(nextWalk) : PackedLayout.event(PackedLayout.RING_EVENT_FLAGS_ENABLE);
        putDeviceEvent(event);
        VarHandle.fullFence(); // our wish before the next descriptor is looked at once more (§2.8.10)
        return !isWaiting() && hasAvailable();
    }

    @Override
    public void disableKicks() {
        if (!kicksOff) {
            kicksOff = true;
            putDeviceEvent(PackedLayout.event(PackedLayout.RING_EVENT_FLAGS_DISABLE));
        }
    }

    private void putDeviceEvent(int event) {
        LittleEndian.putInt(deviceEvent, event);
        if (log != null) {
            log.wroteDeviceArea(0, PackedLayout.EVENT_LENGTH);
        }
    }

    @Override
    public void close() {
        super.close();
        chain.close();
    }
}
