package org.vportd.virtio.driver;

import static org.vportd.virtio.queue.PackedLayout.advance;

import java.lang.invoke.VarHandle;
import org.vportd.posix.LittleEndian;
import org.vportd.virtio.queue.PackedLayout;
import org.vportd.virtio.queue.QueueConfig;

/** The driver's side of a packed virtqueue (Virtio 1.3 §2.8). Each chain in use has a buffer id of its own. */
public final class PackedDriver extends QueueDriver {
    private final long ringGuest;
    private final long driverEventGuest;
    private final long deviceEventGuest;
    private final long ring;
    private final long driverEvent;
    private final long deviceEvent;

    private int nextAvail;
    /** Where the descriptors begin that are not visible yet: the first one's flags have not been written. */
    private int published;

    private int publishedFlags;
    private int unpublished;

    private int nextUsed;
    /** Where the used descriptors ended when they were last counted. */
    private int countedTo;

    /**
     * Lays out an empty ring in memory.
     *
     * @param size up to 32768
     * @param features the features negotiated; those of rings matter here
     * @param indirectEntries the longest table of {@link #submitIndirect}; 0 if there will be none
     */
    public PackedDriver(DriverMemory memory, int size, long features, int indirectEntries) {
        super(memory, check(size), features, indirectEntries);
        this.ringGuest = memory.allocate(PackedLayout.descriptorBytes(size), RING_ALIGNMENT);
        this.driverEventGuest = memory.allocate(PackedLayout.EVENT_LENGTH, RING_ALIGNMENT);
        this.deviceEventGuest = memory.allocate(PackedLayout.EVENT_LENGTH, RING_ALIGNMENT);
        this.ring = memory.hostAddress(ringGuest);
        this.driverEvent = memory.hostAddress(driverEventGuest);
        this.deviceEvent = memory.hostAddress(deviceEventGuest);
        reset();
    }

    private static int check(int size) {
        if (size < 1 || size > QueueConfig.MAX_SIZE) {
            throw new IllegalArgumentException("packed ring size is not within 1 to 32768: num=" + size);
        }
        return size;
    }

    @Override
    public void reset() {
        super.reset();
        nextAvail = PackedLayout.FIRST_CURSOR;
        published = nextAvail;
        unpublished = 0;
        nextUsed = PackedLayout.FIRST_CURSOR;
        for (int i = 0; i < size; i++) {
            long descriptor = ring + (long) i * PackedLayout.DESC_LENGTH;
            LittleEndian.putLong(descriptor, 0);
            LittleEndian.putLong(descriptor + PackedLayout.DESC_LEN_OFFSET, 0);
        }
        LittleEndian.putInt(driverEvent, 0);
        LittleEndian.putInt(deviceEvent, 0);
    }

    private long descriptor(int cursor) {
        return ring + (long) PackedLayout.offset(cursor) * PackedLayout.DESC_LENGTH;
    }

    private int takeId() {
        int id = freeHead;
        freeHead = next[id];
        return id;
    }

    @Override
    int putSingle(long guestAddress, int lengthBytes, int flags) {
        int id = takeId();
        putNext(guestAddress, lengthBytes, id, flags);
        return id;
    }

    @Override
    int putChain(int direct, int inRing, int readableCount, long tableGuestAddress, int tableBytes) {
        if (inRing > direct && direct > 0) {
            throw new IllegalArgumentException("packed chain with a table and other buffers: direct=" + direct);
        }
        int id = takeId();
        if (direct == 0) {
            putNext(tableGuestAddress, tableBytes, id, INDIRECT);
        }
        for (int i = 0; i < direct; i++) {
            int flags = (i < readableCount ? 0 : WRITE) | (i + 1 < direct ? NEXT : 0);
            putNext(bufferAddress(i), bufferLength(i), id, flags);
        }
        return id;
    }

    private void putNext(long address, int length, int id, int flags) {
        long descriptor = descriptor(nextAvail);
        int all = flags | PackedLayout.availableFlags(nextAvail);
        LittleEndian.putLong(descriptor, address);
        if (unpublished == 0) {
            LittleEndian.putInt(descriptor + PackedLayout.DESC_LEN_OFFSET, length);
            LittleEndian.putU16(descriptor + PackedLayout.DESC_ID_OFFSET, id);
            publishedFlags = all; // the device sees none of what follows before it sees these
        } else {
            LittleEndian.putLong(
                    descriptor + PackedLayout.DESC_LEN_OFFSET,
                    (length & 0xffff_ffffL) | (long) id << 32 | (long) all << 48);
        }
        nextAvail = advance(nextAvail, 1, size);
        unpublished++;
    }

    @Override
    long tableEntryRest(int length, int flags, int following, boolean last) {
        return (length & 0xffff_ffffL) | (long) flags << 48; // entries follow each other (§2.8.7)
    }

    @Override
    public boolean publish() {
        int moved = unpublished;
        if (moved == 0) {
            return false;
        }
        VarHandle.releaseFence(); // release: all other descriptors before the first flags (§2.8.6)
        LittleEndian.putU16(descriptor(published) + PackedLayout.DESC_FLAGS_OFFSET, publishedFlags);
        published = nextAvail;
        unpublished = 0;
        VarHandle.fullFence(); // the flags before the device's wish is read (§2.8.10)
        return PackedLayout.wantsNotification(LittleEndian.getInt(deviceEvent), eventIdx, nextAvail, moved, size);
    }

    @Override
    boolean findUsed() {
        return isUsed(nextUsed);
    }

    private boolean isUsed(int cursor) {
        int flags = LittleEndian.getU16(descriptor(cursor) + PackedLayout.DESC_FLAGS_OFFSET);
        VarHandle.acquireFence(); // acquire: id, length and buffers after the flags
        return PackedLayout.isUsed(flags, cursor);
    }

    @Override
    long usedElement() {
        long rest = LittleEndian.getLong(descriptor(nextUsed) + PackedLayout.DESC_LEN_OFFSET);
        return (rest >>> 32 & 0xffff) | rest << 32;
    }

    @Override
    void release(int id, int descriptors) {
        next[id] = freeHead;
        freeHead = id;
        nextUsed = advance(nextUsed, descriptors, size);
    }

    @Override
    public int returned() {
        int chains = 0;
        int cursor = nextUsed;
        int more = pendingInBatch();
        int id = NONE;
        while (true) {
            for (int i = 0; i < more; i++) {
                cursor = advance(cursor, taken[inOrder ? outstandingId(chains + i) : id], size);
            }
            chains += more;
            countedTo = cursor;
            if (chains == outstanding() || !isUsed(cursor)) {
                return chains;
            }
            id = LittleEndian.getU16(descriptor(cursor) + PackedLayout.DESC_ID_OFFSET);
            more = chainsUpTo(id, chains);
            if (more == 0) {
                return chains + 1; // something is wrong with it, which poll will tell
            }
        }
    }

    @Override
    public boolean enableCallsAfter(int chains) {
        if (!eventIdx) {
            LittleEndian.putInt(driverEvent, PackedLayout.event(PackedLayout.RING_EVENT_FLAGS_ENABLE));
            VarHandle.fullFence(); // our wish before used descriptors are looked for once more (§2.8.10)
            return returned() >= chains;
        }
        int missing = chains - returned();
        if (missing <= 0) {
            return true;
        }
        // A chain takes one descriptor at least. With longer ones the device calls earlier than it could.
        int from = countedTo;
        LittleEndian.putInt(driverEvent, PackedLayout.eventAt(advance(from, missing - 1, size)));
        VarHandle.fullFence(); // our wish before used descriptors are looked for once more (§2.8.10)
        return returned() >= chains || PackedLayout.distance(from, countedTo, size) >= missing;
    }

    @Override
    public void disableCalls() {
        LittleEndian.putInt(driverEvent, PackedLayout.event(PackedLayout.RING_EVENT_FLAGS_DISABLE));
    }

    @Override
    public int baseInMemory() {
        returned();
        return PackedLayout.base(countedTo);
    }

    @Override
    public int firstBase() {
        return PackedLayout.FIRST_BASE;
    }

    @Override
    public long descriptorAddress() {
        return ringGuest;
    }

    @Override
    public long availAddress() {
        return driverEventGuest;
    }

    @Override
    public long usedAddress() {
        return deviceEventGuest;
    }
}
