package org.vportd.virtio.driver;

import static org.vportd.virtio.queue.SplitLayout.distance;

import java.lang.invoke.VarHandle;
import org.vportd.posix.LittleEndian;
import org.vportd.virtio.queue.QueueConfig;
import org.vportd.virtio.queue.SplitLayout;

/** The driver's side of a split virtqueue (Virtio 1.3 §2.7). The id of a chain is its head. */
public final class SplitDriver extends QueueDriver {
    private final int mask;
    private final long descriptorGuest;
    private final long availGuest;
    private final long usedGuest;
    private final long descriptors;
    private final long avail;
    private final long used;
    private final long usedEvent;
    private final long availEvent;

    private int nextAvail;
    private int published;
    private int usedSeen;

    /**
     * Lays out an empty ring in memory.
     *
     * @param size a power of two up to 32768
     * @param features the features negotiated; those of rings matter here
     * @param indirectEntries the longest table of {@link #submitIndirect}; 0 if there will be none
     */
    public SplitDriver(DriverMemory memory, int size, long features, int indirectEntries) {
        super(memory, check(size), features, indirectEntries);
        this.mask = size - 1;
        this.descriptorGuest = memory.allocate(SplitLayout.descriptorBytes(size), RING_ALIGNMENT);
        this.availGuest = memory.allocate(SplitLayout.availBytes(size, true), RING_ALIGNMENT);
        this.usedGuest = memory.allocate(SplitLayout.usedBytes(size, true), RING_ALIGNMENT);
        this.descriptors = memory.hostAddress(descriptorGuest);
        this.avail = memory.hostAddress(availGuest);
        this.used = memory.hostAddress(usedGuest);
        this.usedEvent = avail + SplitLayout.usedEventOffset(size);
        this.availEvent = used + SplitLayout.availEventOffset(size);
        reset();
    }

    private static int check(int size) {
        if (size < 1 || size > QueueConfig.MAX_SIZE || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException("split ring size is no power of two up to 32768: num=" + size);
        }
        return size;
    }

    @Override
    public void reset() {
        super.reset();
        nextAvail = 0;
        published = 0;
        usedSeen = 0;
        LittleEndian.putInt(avail, 0); // flags and idx
        LittleEndian.putInt(used, 0);
        LittleEndian.putU16(usedEvent, 0);
        LittleEndian.putU16(availEvent, 0);
    }

    @Override
    int putSingle(long guestAddress, int lengthBytes, int flags) {
        int head = freeHead;
        freeHead = next[head];
        putDescriptor(head, guestAddress, lengthBytes, flags, 0);
        offer(head);
        return head;
    }

    @Override
    int putChain(int direct, int inRing, int readableCount, long tableGuestAddress, int tableBytes) {
        int head = freeHead;
        int at = head;
        for (int i = 0; i < inRing; i++) {
            int following = next[at];
            int more = i + 1 < inRing ? NEXT : 0;
            if (i < direct) {
                int flags = (i < readableCount ? 0 : WRITE) | more;
                putDescriptor(at, bufferAddress(i), bufferLength(i), flags, following);
            } else {
                putDescriptor(at, tableGuestAddress, tableBytes, INDIRECT, 0);
            }
            at = following;
        }
        freeHead = at;
        offer(head);
        return head;
    }

    private void putDescriptor(int index, long address, int length, int flags, int following) {
        long descriptor = descriptors + (long) index * SplitLayout.DESC_LENGTH;
        LittleEndian.putLong(descriptor, address);
        LittleEndian.putLong(descriptor + SplitLayout.DESC_LEN_OFFSET, descriptorRest(length, flags, following));
    }

    private static long descriptorRest(int length, int flags, int following) {
        return (length & 0xffff_ffffL) | (long) flags << 32 | (long) (following & 0xffff) << 48;
    }

    @Override
    long tableEntryRest(int length, int flags, int following, boolean last) {
        return descriptorRest(length, last ? flags : flags | NEXT, following);
    }

    private void offer(int head) {
        LittleEndian.putU16(
                avail + SplitLayout.RING_OFFSET + (long) (nextAvail & mask) * SplitLayout.AVAIL_ELEM_LENGTH, head);
        nextAvail = (nextAvail + 1) & 0xffff;
    }

    @Override
    public boolean publish() {
        int before = published;
        if (before == nextAvail) {
            return false;
        }
        VarHandle.releaseFence(); // release: descriptors and ring entries before avail.idx (§2.7.13.2)
        LittleEndian.putU16(avail + SplitLayout.IDX_OFFSET, nextAvail);
        published = nextAvail;
        VarHandle.fullFence(); // avail.idx before the device's wish is read (§2.7.13.4)
        if (!eventIdx) {
            return (LittleEndian.getU16(used) & SplitLayout.VIRTQ_USED_F_NO_NOTIFY) == 0;
        }
        int event = LittleEndian.getU16(availEvent);
        return distance(event + 1, nextAvail) < distance(before, nextAvail);
    }

    @Override
    boolean findUsed() {
        return usedIndex() != usedSeen || lookForUsed();
    }

    private boolean lookForUsed() {
        int nextUsed = usedIndex();
        int index = usedIndexInMemory();
        VarHandle.acquireFence(); // acquire: used elements and buffers after used.idx (§2.7.14)
        if (distance(nextUsed, index) > distance(nextUsed, published)) {
            throw new DeviceFaultException("device returned more chains than it has: used.idx=" + index + " next="
                    + nextUsed + " available=" + published);
        }
        usedSeen = index;
        return index != nextUsed;
    }

    @Override
    long usedElement() {
        int nextUsed = usedIndex();
        long element = LittleEndian.getLong(
                used + SplitLayout.RING_OFFSET + (long) (nextUsed & mask) * SplitLayout.USED_ELEM_LENGTH);
        if (inOrder && chainsUpTo((int) element, 0) > distance(nextUsed, usedSeen)) {
            throw new DeviceFaultException("device returned a chain out of order: id=" + (element & 0xffff_ffffL)
                    + " next=" + nextUsed + " used.idx=" + usedSeen);
        }
        return element;
    }

    @Override
    void release(int head, int count) {
        int last = head;
        for (int i = 1; i < count; i++) {
            last = next[last];
        }
        next[last] = freeHead;
        freeHead = head;
    }

    private int usedIndexInMemory() {
        return LittleEndian.getU16(used + SplitLayout.IDX_OFFSET);
    }

    @Override
    public int returned() {
        return distance(usedIndex(), usedIndexInMemory());
    }

    @Override
    public boolean enableCallsAfter(int chains) {
        if (eventIdx) {
            LittleEndian.putU16(usedEvent, usedIndex() + chains - 1);
        } else {
            LittleEndian.putU16(avail, 0);
        }
        VarHandle.fullFence(); // our wish before used.idx is read once more (§2.7.7.1)
        return returned() >= chains;
    }

    @Override
    public void disableCalls() {
        if (!eventIdx) {
            LittleEndian.putU16(avail, SplitLayout.VIRTQ_AVAIL_F_NO_INTERRUPT);
        } // with EVENT_IDX the event lies behind, and is not passed again for 65536 chains
    }

    @Override
    public int baseInMemory() {
        return usedIndexInMemory();
    }

    @Override
    public int firstBase() {
        return 0;
    }

    @Override
    public long descriptorAddress() {
        return descriptorGuest;
    }

    @Override
    public long availAddress() {
        return availGuest;
    }

    @Override
    public long usedAddress() {
        return usedGuest;
    }
}
