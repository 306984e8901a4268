package org.vportd.virtio.queue;

import static org.vportd.virtio.queue.SplitLayout.distance;

import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.LittleEndian;
import org.vportd.virtio.memory.GuestMemory;

/** A split virtqueue (Virtio 1.3 §2.7). Indexes run freely in 16 bits. */
public final class SplitQueue extends VirtQueue {
    // Parts of a descriptor's second half.
    private static final long LENGTH = 0xffff_ffffL;
    private static final int FLAGS_SHIFT = 32;
    private static final long NEXT = (long) SplitLayout.VIRTQ_DESC_F_NEXT << FLAGS_SHIFT;
    private static final long WRITABLE = (long) SplitLayout.VIRTQ_DESC_F_WRITE << FLAGS_SHIFT;
    private static final long INDIRECT = (long) SplitLayout.VIRTQ_DESC_F_INDIRECT << FLAGS_SHIFT;

    private final int size;
    private final int mask;
    private final boolean eventIdx;
    private final long descriptors;
    private final long availIdx;
    private final long availRing;
    private final long usedEvent;
    private final long usedFlags;
    private final long usedIdx;
    private final long usedRing;
    private final long availEvent;

    private final ChainReader chain;
    private @Nullable InflightSplit inflight;
    /** Heads that are not where the ring goes on: a device that is gone took them and returned others first. */
    private final int[] again;

    private int againNext;
    private int againReturned;
    private int nextWalk;
    private int availSeen;
    private int nextUsed;
    private int published;
    private boolean kicksOff;

    /**
     * Starts at the index the front-end gives and the used index found in memory. If the two differ by no more than a
     * ring, chains were taken and never returned by a device that is gone: since chains are returned in order here, they
     * are taken again.
     *
     * @throws DriverFaultException if the values cannot be those of a split ring
     */
    public SplitQueue(QueueConfig config, GuestMemory memory, DriverNotifier notifier) {
        this(config, memory, notifier, null);
    }

    /**
     * The same; what a device that is gone had taken is known from what it noted.
     *
     * @param inflight where chains in flight are noted, or null if nowhere
     */
    SplitQueue(QueueConfig config, GuestMemory memory, DriverNotifier notifier, @Nullable InflightSplit inflight) {
        super(config, notifier);
        this.size = config.size();
        if (size < 1 || size > QueueConfig.MAX_SIZE || Integer.bitCount(size) != 1) {
            throw new DriverFaultException("split ring size is no power of two up to 32768: num=" + size);
        }
        this.mask = size - 1;
        this.eventIdx = config.features().eventIdx();
        this.chain = new ChainReader(config, memory, segments(), "head");
        this.descriptors = config.descriptorAddress();
        this.availIdx = config.driverAddress() + SplitLayout.IDX_OFFSET;
        this.availRing = config.driverAddress() + SplitLayout.RING_OFFSET;
        this.usedEvent = config.driverAddress() + SplitLayout.usedEventOffset(size);
        this.usedFlags = config.deviceAddress() + SplitLayout.FLAGS_OFFSET;
        this.usedIdx = config.deviceAddress() + SplitLayout.IDX_OFFSET;
        this.usedRing = config.deviceAddress() + SplitLayout.RING_OFFSET;
        this.availEvent = config.deviceAddress() + SplitLayout.availEventOffset(size);
        this.nextUsed = LittleEndian.getU16(usedIdx);
        this.published = nextUsed;
        int base = config.base() & 0xffff;
        this.nextWalk = distance(nextUsed, base) <= size ? nextUsed : base;
        this.inflight = inflight;
        this.again = inflight == null
                ? InflightSplit.NONE
                : recover(inflight, config.features().inOrder());
        this.availSeen = nextWalk;
    }

    /** Answers the heads that have to be taken again before the ring goes on behind all that was taken. */
    private int[] recover(InflightSplit from, boolean inOrder) {
        int available = distance(nextUsed, LittleEndian.getU16(availIdx));
        int[] heads = from.recover(nextUsed, available <= size ? available : 0);
        if (heads.length == 0) {
            return heads;
        }
        boolean inRing = true;
        for (int i = 0; i < heads.length; i++) {
            inRing &= heads[i] == headAt(nextUsed + i);
        }
        if (inRing || inOrder) { // the usual case: the next ones of the ring
            from.drop(heads);
            nextWalk = nextUsed;
            return InflightSplit.NONE;
        }
        nextWalk = (nextUsed + heads.length) & 0xffff;
        return heads;
    }

    private int headAt(int index) {
        return LittleEndian.getU16(availRing + (long) (index & mask) * SplitLayout.AVAIL_ELEM_LENGTH);
    }

    @Override
    public int base() {
        return (nextWalk - windowChains() + (againNext - againReturned)) & 0xffff;
    }

    @Override
    public boolean isNew() {
        return base() == 0;
    }

    @Override
    public boolean hasAvailable() {
        if (againNext < again.length) {
            return true;
        }
        if (availSeen == nextWalk) {
            int idx = LittleEndian.getU16(availIdx);
            if (distance(nextWalk, idx) > size) {
                throw new DriverFaultException(
                        "avail.idx is too far ahead: idx=" + idx + " next=" + nextWalk + " num=" + size);
            }
            VarHandle.acquireFence(); // acquire: ring entries and descriptors after avail.idx (§2.7.13.3)
            availSeen = idx;
        }
        return availSeen != nextWalk;
    }

    @Override
    long walkNext() {
        boolean fromRing = againNext == again.length;
        if (fromRing && availSeen == nextWalk && !hasAvailable()) {
            return NO_CHAIN;
        }
        int head = fromRing ? headAt(nextWalk) : again[againNext];
        if (head >= size) {
            throw new DriverFaultException("head is out of range: head=" + head + " num=" + size);
        }
        long descriptor = descriptors + (long) head * SplitLayout.DESC_LENGTH;
        long address = LittleEndian.getLong(descriptor);
        long rest = LittleEndian.getLong(descriptor + SplitLayout.DESC_LEN_OFFSET); // len, flags, next at once
        chain.begin(head);
        if ((rest & (NEXT | INDIRECT)) == 0) { // the usual case: one buffer
            chain.add(address, rest & LENGTH, (rest & WRITABLE) != 0);
            countDescriptors(1);
        } else {
            walkChain(address, rest);
        }
        if (chain.isMissing()) {
            return UNTRANSLATED;
        }
        if (!fromRing) {
            againNext++;
        } else {
            nextWalk = (nextWalk + 1) & 0xffff;
        }
        if (inflight != null) {
            note(inflight, head, fromRing);
        }
        return chainOf(head, 1, chain.isWritable());
    }

    private static void note(InflightSplit in, int head, boolean fromRing) {
        if (fromRing) {
            in.take(head);
        } else {
            in.takeAgain(head);
        }
    }

    private void walkChain(long firstAddress, long firstRest) {
        long address = firstAddress;
        long rest = firstRest;
        long table = descriptors;
        int limit = size;
        int left = limit;
        int steps = 0;
        boolean inTable = false;
        while (true) {
            steps++;
            if (left-- == 0) {
                throw chain.fault("chain has a loop or is too long: num=" + limit);
            }
            long length = rest & LENGTH;
            boolean more = (rest & NEXT) != 0;
            int index = 0;
            if ((rest & INDIRECT) != 0) {
                table = chain.table(address, length, !inTable && !more); // §2.7.5.3.1
                if (table == GuestMemory.UNMAPPED) {
                    countDescriptors(steps);
                    return;
                }
                inTable = true;
                limit = (int) (length / SplitLayout.DESC_LENGTH);
                left = limit;
            } else {
                chain.add(address, length, (rest & WRITABLE) != 0);
                if (!more) {
                    countDescriptors(steps);
                    return;
                }
                index = (int) (rest >>> 48);
                if (index >= limit) {
                    throw chain.fault("next is out of range: next=" + index + " num=" + limit);
                }
            }
            long descriptor = table + (long) index * SplitLayout.DESC_LENGTH;
            address = LittleEndian.getLong(descriptor);
            rest = LittleEndian.getLong(descriptor + SplitLayout.DESC_LEN_OFFSET);
        }
    }

    @Override
    public void close() {
        super.close();
        chain.close();
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
        nextWalk = base();
        availSeen = nextWalk;
        if (inflight != null) {
            inflight.rewind(againNext - againReturned);
            againNext = againReturned;
        }
    }

    @Override
    void putUsed(int id, int written, int steps) {
        long element = usedRing + (long) (nextUsed & mask) * SplitLayout.USED_ELEM_LENGTH;
        LittleEndian.putLong(element, (long) written << 32 | id);
        if (log != null) {
            log.wroteDeviceArea(element - usedFlags, SplitLayout.USED_ELEM_LENGTH);
        }
        nextUsed = (nextUsed + steps) & 0xffff;
        if (inflight != null) {
            inflight.put(steps);
            againReturned = Math.min(againNext, againReturned + steps);
        }
    }

    @Override
    int showUsed() {
        int shown = distance(published, nextUsed);
        if (shown == 0) {
            return 0;
        }
        if (inflight != null) {
            inflight.beforeShown();
        }
        VarHandle.releaseFence(); // release: used elements and buffers before used.idx (§2.7.8.2)
        LittleEndian.putU16(usedIdx, nextUsed);
        published = nextUsed;
        if (inflight != null) {
            inflight.shown(nextUsed);
        }
        noteWrite(usedIdx);
        VarHandle.fullFence(); // used.idx before the driver's wish is read (§2.7.7.1)
        return shown;
    }

    @Override
    boolean driverWantsCall(int shown) {
        if (!eventIdx) {
            int flags = LittleEndian.getU16(availIdx - SplitLayout.IDX_OFFSET);
            return (flags & SplitLayout.VIRTQ_AVAIL_F_NO_INTERRUPT) == 0;
        }
        int event = LittleEndian.getU16(usedEvent);
        return isFirstCall() || distance(event + 1, nextUsed) < shown;
    }

    @Override
    public boolean askForKicks() {
        kicksOff = false;
        if (eventIdx) {
            LittleEndian.putU16(availEvent, nextWalk);
            noteWrite(availEvent);
        } else {
            LittleEndian.putU16(usedFlags, 0);
            noteWrite(usedFlags);
        }
        VarHandle.fullFence(); // our wish before avail.idx is read once more (§2.7.10.1)
        return !isWaiting() && hasAvailable();
    }

    @Override
    public void disableKicks() {
        if (!kicksOff) {
            kicksOff = true;
            if (!eventIdx) {
                LittleEndian.putU16(usedFlags, SplitLayout.VIRTQ_USED_F_NO_NOTIFY);
                noteWrite(usedFlags);
            }
        }
    }

    /** Two bytes of the used ring have been written. */
    private void noteWrite(long address) {
        if (log != null) {
            log.wroteDeviceArea(address - usedFlags, Short.BYTES);
        }
    }
}
