package org.vportd.virtio.queue;

import static org.vportd.virtio.queue.PackedLayout.advance;

import java.lang.invoke.VarHandle;
import org.vportd.posix.IoVector;
import org.vportd.posix.LittleEndian;
import org.vportd.virtio.memory.GuestMemory;

/**
 * A packed virtqueue (Virtio 1.3 §2.8). Places are cursors as {@link PackedLayout} has them. Since chains are returned in
 * order, the first descriptor of the window is also where the next used one goes.
 *
 * <p>The buffer id is the driver's own affair: it is returned as it came and never used as an index here.
 */
public final class PackedQueue extends VirtQueue {
    private static final int NOT_READ = -1;

    private final DriverNotifier notifier;
    private final int size;
    private final boolean eventIdx;
    private final long descriptors;
    private final long driverEvent;
    private final long deviceEvent;
    private final ChainReader chain;

    private int nextWalk;
    /** The flags of the descriptor at {@link #nextWalk} if it is available. */
    private int headFlags = NOT_READ;
    /** Descriptors walked that the driver does not see as used yet. */
    private int taken;

    private int nextUsed;
    /** Where the used descriptors begin that are not visible yet: the first one's flags have not been written. */
    private int published;

    private int publishedFlags;
    private int unpublished;
    private boolean callAlways = true;
    private boolean kicksOff;

    /**
     * Starts where the base has the next used descriptor: what was taken beyond it by a device that is gone, and never
     * returned, is taken again.
     *
     * @throws DriverFaultException if the values cannot be those of a packed ring
     */
    public PackedQueue(QueueConfig config, GuestMemory memory, DriverNotifier notifier) {
        super(config.features().inOrder());
        this.size = config.size();
        if (size < 1 || size > QueueConfig.MAX_SIZE) {
            throw new DriverFaultException("packed ring size is not within 1 to 32768: num=" + size);
        }
        if (!PackedLayout.isBase(config.base(), size)) {
            throw new DriverFaultException(
                    "base is outside of the ring: base=0x" + Integer.toHexString(config.base()) + " num=" + size);
        }
        this.notifier = notifier;
        this.eventIdx = config.features().eventIdx();
        this.descriptors = config.descriptorAddress();
        this.driverEvent = config.driverAddress();
        this.deviceEvent = config.deviceAddress();
        this.chain = new ChainReader(config, memory, "position");
        this.nextUsed = PackedLayout.usedCursor(config.base());
        this.published = nextUsed;
        this.nextWalk = nextUsed;
    }

    private long descriptor(int cursor) {
        return descriptors + (long) PackedLayout.offset(cursor) * PackedLayout.DESC_LENGTH;
    }

    @Override
    public int base() {
        return PackedLayout.base(advance(nextUsed, batchedSteps(), size));
    }

    @Override
    public boolean hasAvailable() {
        if (headFlags == NOT_READ) {
            int flags = LittleEndian.getU16(descriptor(nextWalk) + PackedLayout.DESC_FLAGS_OFFSET);
            if (PackedLayout.isAvailable(flags, nextWalk)) {
                VarHandle.acquireFence(); // acquire: the rest of the chain after its first flags (§2.8.6)
                headFlags = flags;
            }
        }
        return headFlags != NOT_READ;
    }

    @Override
    long walkNext(boolean writable, IoVector into) {
        if (!hasAvailable()) {
            return NO_CHAIN;
        }
        int flags = headFlags;
        headFlags = NOT_READ;
        int cursor = nextWalk;
        int id;
        int slots = 0;
        chain.begin(PackedLayout.offset(cursor), writable, into);
        do {
            if (taken + slots == size) { // the driver cannot have had that many to make available
                throw chain.fault("chain has no end or the ring is overfull: num=" + size);
            }
            long descriptor = descriptor(cursor);
            long address = LittleEndian.getLong(descriptor);
            long rest = LittleEndian.getLong(descriptor + PackedLayout.DESC_LEN_OFFSET); // len, id, flags at once
            long length = rest & 0xffff_ffffL;
            flags = slots == 0 ? flags : (int) (rest >>> 48);
            id = (int) (rest >>> 32) & 0xffff; // that of the last one counts (§2.8.6)
            slots++;
            cursor = advance(cursor, 1, size);
            if ((flags & SplitLayout.VIRTQ_DESC_F_INDIRECT) != 0) {
                boolean alone = slots == 1 && (flags & SplitLayout.VIRTQ_DESC_F_NEXT) == 0; // §2.8.7
                long table = chain.table(address, length, alone);
                if (table != GuestMemory.UNMAPPED) {
                    readTable(table, (int) (length / PackedLayout.DESC_LENGTH));
                }
                break;
            }
            chain.add(address, length, (flags & SplitLayout.VIRTQ_DESC_F_WRITE) != 0);
        } while ((flags & SplitLayout.VIRTQ_DESC_F_NEXT) != 0);
        countDescriptors(slots);
        if (chain.isMissing()) {
            return UNTRANSLATED;
        }
        nextWalk = cursor;
        taken += slots;
        return chainOf(id, slots, chain.isWritable());
    }

    /** The entries follow each other; of their flags only WRITE means something (§2.8.7). */
    private void readTable(long table, int entries) {
        for (int i = 0; i < entries; i++) {
            long entry = table + (long) i * PackedLayout.DESC_LENGTH;
            long address = LittleEndian.getLong(entry);
            long rest = LittleEndian.getLong(entry + PackedLayout.DESC_LEN_OFFSET);
            int flags = (int) (rest >>> 48);
            if ((flags & SplitLayout.VIRTQ_DESC_F_INDIRECT) != 0) {
                throw chain.fault("indirect table within a table");
            }
            chain.add(address, rest & 0xffff_ffffL, (flags & SplitLayout.VIRTQ_DESC_F_WRITE) != 0);
        }
        countDescriptors(entries);
    }

    @Override
    ChainReader chain() {
        return chain;
    }

    @Override
    void unwalk() {
        nextWalk = advance(nextUsed, batchedSteps(), size);
        taken = unpublished + batchedSteps();
        headFlags = NOT_READ;
    }

    @Override
    void putUsed(int id, int written, int steps) {
        long descriptor = descriptor(nextUsed);
        int flags = PackedLayout.usedFlags(nextUsed) | (written == 0 ? 0 : SplitLayout.VIRTQ_DESC_F_WRITE);
        if (unpublished == 0) {
            LittleEndian.putInt(descriptor + PackedLayout.DESC_LEN_OFFSET, written);
            LittleEndian.putU16(descriptor + PackedLayout.DESC_ID_OFFSET, id);
            publishedFlags = flags; // the driver sees none of what follows before it sees these
        } else {
            LittleEndian.putLong(
                    descriptor + PackedLayout.DESC_LEN_OFFSET,
                    (written & 0xffff_ffffL) | (long) id << 32 | (long) flags << 48);
        }
        nextUsed = advance(nextUsed, steps, size);
        unpublished += steps;
    }

    @Override
    void showUsed() {
        int moved = unpublished;
        if (moved == 0) {
            return;
        }
        VarHandle.releaseFence(); // release: buffers and all else that is used before the first flags
        LittleEndian.putU16(descriptor(published) + PackedLayout.DESC_FLAGS_OFFSET, publishedFlags);
        published = nextUsed;
        unpublished = 0;
        taken -= moved;
        VarHandle.fullFence(); // the flags before the driver's wish is read (§2.8.10)
        if (driverWantsCall(moved)) {
            callAlways = false;
            notifier.call();
        }
    }

    private boolean driverWantsCall(int moved) {
        int event = LittleEndian.getInt(driverEvent); // both fields at once
        if (PackedLayout.wantsNotification(event, eventIdx, nextUsed, moved, size)) {
            return true;
        }
        int flags = event >>> PackedLayout.EVENT_FLAGS_SHIFT & PackedLayout.EVENT_FLAGS_MASK;
        return callAlways && flags == PackedLayout.RING_EVENT_FLAGS_DESC;
    }

    @Override
    public boolean enableKicks() {
        kicksOff = false;
        int event =
                eventIdx ? PackedLayout.eventAt(nextWalk) : PackedLayout.event(PackedLayout.RING_EVENT_FLAGS_ENABLE);
        LittleEndian.putInt(deviceEvent, event);
        VarHandle.fullFence(); // our wish before the next descriptor is looked at once more (§2.8.10)
        return !isWaiting() && hasAvailable();
    }

    @Override
    public void disableKicks() {
        if (!kicksOff) {
            kicksOff = true;
            LittleEndian.putInt(deviceEvent, PackedLayout.event(PackedLayout.RING_EVENT_FLAGS_DISABLE));
        }
    }

    @Override
    public void close() {
        super.close();
        chain.close();
    }
}
