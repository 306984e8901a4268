package org.vportd.virtio.driver;

import java.util.Arrays;
import org.vportd.posix.LittleEndian;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.queue.QueueConfig;
import org.vportd.virtio.queue.SplitLayout;

/**
 * The driver's side of a virtqueue, whatever the format of its ring. Allocates nothing once it is made.
 *
 * <pre>{@code
 *   driver.addReadable(address, length, token);     // any number of chains
 *   if (driver.publish()) kick.signal();            // one decision for all of them
 *   ...
 *   while (driver.poll()) use(driver.usedToken(), driver.usedBytes());
 *   if (driver.enableCalls()) poll again;           // used meanwhile: no call will come for it
 * }</pre>
 *
 * <p>With VIRTIO_F_IN_ORDER chains come back in the order they were added, and one used element may stand for several; a
 * device that does otherwise meets a {@link DeviceFaultException}.
 */
public abstract class QueueDriver {
    /** The answer of {@code add...} when there are too few free descriptors. */
    public static final int FULL = -1;

    /** No part of a ring shares a cache line with another. */
    static final int RING_ALIGNMENT = 128;

    static final int NONE = -1;
    static final int WRITE = SplitLayout.VIRTQ_DESC_F_WRITE;
    static final int NEXT = SplitLayout.VIRTQ_DESC_F_NEXT;
    static final int INDIRECT = SplitLayout.VIRTQ_DESC_F_INDIRECT;

    final DriverMemory memory;
    final int size;
    final boolean eventIdx;
    final boolean inOrder;
    private final int indirectEntries;
    private final long tablesGuest;

    /** By id: the next free one. A split ring links descriptors of chains in use the same way. */
    final int[] next;
    /** By id: descriptors taken; 0 when the chain is not with the device. */
    final int[] taken;
    /** By id: bytes the device may write. */
    private final long[] writable;

    private final long[] tokens;
    int freeHead;
    int free;

    /** The ids of the chains with the device, in the order they were added. */
    private final int[] order;

    private int orderHead;
    private int orderTail;
    /** The chain being put together. */
    private final long[] bufferAddresses;

    private final int[] bufferLengths;
    private int buffers;
    private int readableBuffers;

    private int added;
    private int polled;
    private long usedToken;
    private int usedId;
    private long usedBytes;
    /** The last chain of a batch of which some have not been polled; {@link #NONE} otherwise. */
    private int batchLast = NONE;

    private long batchBytes;

    /** Lays out what the formats have in common. */
    QueueDriver(DriverMemory memory, int size, long features, int indirectEntries) {
        this.memory = memory;
        this.size = size;
        this.eventIdx = VirtioFeature.has(features, VirtioFeature.VIRTIO_F_EVENT_IDX);
        this.inOrder = VirtioFeature.has(features, VirtioFeature.VIRTIO_F_IN_ORDER);
        this.indirectEntries = indirectEntries;
        this.tablesGuest = indirectEntries == 0
                ? 0
                : memory.allocate((long) size * indirectEntries * SplitLayout.DESC_LENGTH, RING_ALIGNMENT);
        this.next = new int[size];
        this.taken = new int[size];
        this.writable = new long[size];
        this.tokens = new long[size];
        this.order = new int[size];
        this.bufferAddresses = new long[Math.max(size, indirectEntries)];
        this.bufferLengths = new int[bufferAddresses.length];
    }

    /**
     * Lays out an empty ring of the format that was negotiated.
     *
     * @param size up to {@link QueueConfig#MAX_SIZE}; a power of two unless the ring is packed
     * @param features the features negotiated; those of rings matter here
     * @param indirectEntries the longest table of {@link #submitIndirect}; 0 if there will be none
     */
    public static QueueDriver open(DriverMemory memory, int size, long features, int indirectEntries) {
        return VirtioFeature.has(features, VirtioFeature.VIRTIO_F_RING_PACKED)
                ? new PackedDriver(memory, size, features, indirectEntries)
                : new SplitDriver(memory, size, features, indirectEntries);
    }

    /** Starts anew with an empty ring, as after a reset of the device. The device must not be using the ring. */
    public void reset() {
        for (int i = 0; i < size; i++) {
            next[i] = i + 1;
        }
        Arrays.fill(taken, 0);
        freeHead = 0;
        free = size;
        buffers = 0;
        readableBuffers = 0;
        orderHead = 0;
        orderTail = 0;
        added = 0;
        polled = 0;
        batchLast = NONE;
    }

    // --- adding chains

    /** Adds a chain of one buffer that the device reads; answers its id, or {@link #FULL}. */
    public final int addReadable(long guestAddress, int lengthBytes, long token) {
        return free == 0 ? FULL : note(putSingle(guestAddress, lengthBytes, 0), 1, 0, token);
    }

    /** Adds a chain of one buffer that the device writes; answers its id, or {@link #FULL}. */
    public final int addWritable(long guestAddress, int lengthBytes, long token) {
        return free == 0 ? FULL : note(putSingle(guestAddress, lengthBytes, WRITE), 1, lengthBytes, token);
    }

    /** Puts a buffer that the device reads at the end of the chain being made; before all that it writes. */
    public final QueueDriver readable(long guestAddress, int lengthBytes) {
        if (readableBuffers != buffers) {
            throw new IllegalArgumentException("readable buffer after a writable one");
        }
        readableBuffers++;
        return append(guestAddress, lengthBytes);
    }

    /** Puts a buffer that the device writes at the end of the chain being made. */
    public final QueueDriver writable(long guestAddress, int lengthBytes) {
        return append(guestAddress, lengthBytes);
    }

    private QueueDriver append(long guestAddress, int lengthBytes) {
        bufferAddresses[buffers] = guestAddress;
        bufferLengths[buffers] = lengthBytes;
        buffers++;
        return this;
    }

    /** Adds the chain that was made, in descriptors of the ring; answers its id, or {@link #FULL} and forgets it. */
    public final int submit(long token) {
        return submit(buffers, 0, token);
    }

    /** Adds the chain that was made, as a table in one descriptor; answers its id, or {@link #FULL} and forgets it. */
    public final int submitIndirect(long token) {
        if (buffers > indirectEntries) {
            throw new IllegalArgumentException("table is too long: entries=" + buffers + " max=" + indirectEntries);
        }
        return submit(0, tablesGuest + (long) freeHead * indirectEntries * SplitLayout.DESC_LENGTH, token);
    }

    /**
     * Adds the chain that was made: some buffers in descriptors of the ring, the rest in a table at the end of them
     * (§2.7.5.3.1); answers its id, or {@link #FULL} and forgets it.
     *
     * @param direct how many buffers come before the table; if all do there is no table. In a packed ring either none or
     *     all do (§2.8.7)
     * @param tableGuestAddress where the table goes; it may straddle regions
     */
    public final int submit(int direct, long tableGuestAddress, long token) {
        int count = buffers;
        int inRing = direct < count ? direct + 1 : direct;
        int readableCount = readableBuffers;
        buffers = 0;
        readableBuffers = 0;
        if (inRing == 0) {
            throw new IllegalArgumentException("chain without a buffer");
        }
        if (inRing > free) {
            return FULL;
        }
        long writableBytes = 0;
        for (int i = readableCount; i < count; i++) {
            writableBytes += bufferLengths[i] & 0xffff_ffffL;
        }
        if (direct < count) {
            putTable(tableGuestAddress, direct, count, readableCount);
        }
        int id = putChain(direct, inRing, readableCount, tableGuestAddress, (count - direct) * SplitLayout.DESC_LENGTH);
        return note(id, inRing, writableBytes, token);
    }

    private void putTable(long tableGuestAddress, int from, int to, int readableCount) {
        for (int i = from; i < to; i++) {
            // Two words with their own translation: an entry may begin in one region and end in another.
            long entry = tableGuestAddress + (long) (i - from) * SplitLayout.DESC_LENGTH;
            LittleEndian.putLong(memory.hostAddress(entry), bufferAddresses[i]);
            LittleEndian.putLong(
                    memory.hostAddress(entry + SplitLayout.DESC_LEN_OFFSET),
                    tableEntryRest(bufferLengths[i], i < readableCount ? 0 : WRITE, i + 1 - from, i + 1 == to));
        }
    }

    private int note(int id, int descriptors, long writableBytes, long token) {
        taken[id] = descriptors;
        free -= descriptors;
        writable[id] = writableBytes & 0xffff_ffffL;
        tokens[id] = token;
        order[orderTail] = id;
        orderTail = orderTail + 1 == size ? 0 : orderTail + 1;
        added++;
        return id;
    }

    final long bufferAddress(int buffer) {
        return bufferAddresses[buffer];
    }

    final int bufferLength(int buffer) {
        return bufferLengths[buffer];
    }

    // --- taking chains back

    /**
     * Takes the next chain that the device has returned, see {@link #usedToken} and {@link #usedBytes}.
     *
     * @return false if there is none
     * @throws DeviceFaultException if the device returned what it did not have or wrote more than it could
     */
    public final boolean poll() {
        if (batchLast == NONE) {
            if (!findUsed()) {
                return false;
            }
            long element = usedElement();
            int id = (int) element;
            long bytes = element >>> 32;
            check(id, bytes);
            batchLast = id;
            batchBytes = bytes;
        }
        int id = inOrder ? order[orderHead] : batchLast;
        usedId = id;
        usedToken = tokens[id];
        usedBytes = writable[id]; // what a batch passes over was used completely (§2.7.9)
        if (id == batchLast) {
            usedBytes = batchBytes;
            batchLast = NONE;
        }
        int descriptors = taken[id];
        taken[id] = 0;
        release(id, descriptors);
        free += descriptors;
        orderHead = orderHead + 1 == size ? 0 : orderHead + 1;
        polled++;
        return true;
    }

    private void check(int id, long bytes) {
        if (id < 0 || id >= size || taken[id] == 0) {
            throw new DeviceFaultException("device returned a chain that it does not have: id=" + (id & 0xffff_ffffL)
                    + " num=" + size + " used=" + usedIndex());
        }
        if (bytes > writable[id]) {
            throw new DeviceFaultException(
                    "device wrote more than it could: id=" + id + " len=" + bytes + " writable=" + writable[id]);
        }
    }

    /** Whether {@link #poll} would find a chain. */
    public final boolean hasUsed() {
        return batchLast != NONE || findUsed();
    }

    /** The id of the chain of the last {@link #poll}; in a split ring it is the head. */
    public final int usedId() {
        return usedId;
    }

    /** The token it was added with. */
    public final long usedToken() {
        return usedToken;
    }

    /** The bytes the device wrote to it. Range: 0 to what it could write. */
    public final long usedBytes() {
        return usedBytes;
    }

    /**
     * How many chains a used element tells of, the first of which comes a number of chains after the next to be polled.
     *
     * @return 0 if the device does not have the chain
     */
    final int chainsUpTo(int id, int skipped) {
        if (!inOrder) {
            return id < size && taken[id] > 0 ? 1 : 0;
        }
        for (int i = skipped; i < outstanding(); i++) {
            if (outstandingId(i) == id) {
                return i + 1 - skipped;
            }
        }
        return 0;
    }

    /** The chain that was added a number of chains after the next to be polled. */
    final int outstandingId(int skipped) {
        int at = orderHead + skipped;
        return order[at < size ? at : at - size];
    }

    /** Chains of the batch that is being polled. */
    final int pendingInBatch() {
        return batchLast == NONE ? 0 : chainsUpTo(batchLast, 0);
    }

    // --- notifications

    /**
     * Asks the device for a call at the next chain it returns.
     *
     * @return whether one has been returned that it may not call for; poll again then
     */
    public final boolean enableCalls() {
        return enableCallsAfter(1);
    }

    /**
     * Asks the device for a call once it has returned a number of chains; without EVENT_IDX it calls for each.
     *
     * @param chains at least 1, at most {@link #outstanding}
     * @return whether it may not call, since they have been returned already; poll again then
     */
    public abstract boolean enableCallsAfter(int chains);

    /** Lets the device know that calls are not needed for now; it may call all the same. */
    public abstract void disableCalls();

    /**
     * Shows the device the chains added since the last time.
     *
     * @return whether it wants to be kicked for them
     */
    public abstract boolean publish();

    // --- the formats' part

    /** Puts a chain of one buffer into the ring, not visible before {@link #publish}; answers its id. */
    abstract int putSingle(long guestAddress, int lengthBytes, int flags);

    /** Puts a chain into the ring, not visible before {@link #publish}; answers its id. */
    abstract int putChain(int direct, int inRing, int readableCount, long tableGuestAddress, int tableBytes);

    /** The second half of a table's entry. */
    abstract long tableEntryRest(int length, int flags, int following, boolean last);

    /** Whether there is a used element. */
    abstract boolean findUsed();

    /** Takes it: the id in the low half, the length in the high one. */
    abstract long usedElement();

    /** Makes a chain's descriptors free, and in a packed ring goes past those it had. */
    abstract void release(int id, int descriptors);

    // --- state

    /** The number of descriptors. */
    public final int size() {
        return size;
    }

    /** The descriptors that are free. */
    public final int free() {
        return free;
    }

    /** The chains with the device, those not yet published included. */
    public final int outstanding() {
        return added - polled;
    }

    /** How many chains were ever added, in 16 bits: in a split ring the next available index. */
    public final int availIndex() {
        return added & 0xffff;
    }

    /** How many chains were ever polled, in 16 bits: in a split ring the next used index. */
    public final int usedIndex() {
        return polled & 0xffff;
    }

    /** Where the ring goes on, as SET_VRING_BASE has it, from what it shows: for a device that nobody can ask. */
    public abstract int baseInMemory();

    /** Where a new ring begins, as SET_VRING_BASE has it. */
    public abstract int firstBase();

    /** How many chains the device has returned and nobody has polled. */
    public abstract int returned();

    /** The guest-physical address of the descriptor table, or the packed ring. */
    public abstract long descriptorAddress();

    /** The guest-physical address of the driver area: the available ring, or the driver's event suppression. */
    public abstract long availAddress();

    /** The guest-physical address of the device area: the used ring, or the device's event suppression. */
    public abstract long usedAddress();
}
