package org.vportd.virtio.driver;

import static org.vportd.virtio.queue.SplitLayout.distance;

import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.vportd.posix.LittleEndian;
import org.vportd.virtio.queue.QueueConfig;
import org.vportd.virtio.queue.SplitLayout;

/**
 * The driver's side of a split virtqueue (Virtio 1.3 §2.7). Allocates nothing once it is made.
 *
 * <pre>{@code
 *   driver.addReadable(address, length, token);     // any number of chains
 *   if (driver.publish()) kick.signal();            // one decision for all of them
 *   ...
 *   while (driver.poll()) use(driver.usedToken(), driver.usedBytes());
 *   if (driver.enableCalls()) poll again;           // used meanwhile: no call will come for it
 * }</pre>
 */
public final class SplitDriver {
    /** The answer of {@code add...} when there are too few free descriptors. */
    public static final int FULL = -1;

    private static final int RING_ALIGNMENT = 128; // no part shares a cache line with another
    private static final int WRITE = SplitLayout.VIRTQ_DESC_F_WRITE;
    private static final int NEXT = SplitLayout.VIRTQ_DESC_F_NEXT;

    private final DriverMemory memory;
    private final int size;
    private final int mask;
    private final boolean eventIdx;
    private final long descriptorGuest;
    private final long availGuest;
    private final long usedGuest;
    private final long descriptors;
    private final long avail;
    private final long used;
    private final long usedEvent;
    private final long availEvent;
    private final int indirectEntries;
    private final long tablesGuest;

    /** By descriptor: the next free one, or the next one of the chain in use. */
    private final int[] next;
    /** By head: descriptors taken; 0 when the chain is not with the device. */
    private final int[] taken;
    /** By head: bytes the device may write. */
    private final long[] writable;

    private final long[] tokens;
    private int freeHead;
    private int free;

    /** The chain being put together. */
    private final long[] bufferAddresses;

    private final int[] bufferLengths;
    private int buffers;
    private int readableBuffers;

    private int nextAvail;
    private int published;
    private int nextUsed;
    private int usedSeen;
    private long usedToken;
    private int usedId;
    private long usedBytes;

    /**
     * Lays out an empty ring in memory.
     *
     * @param size a power of two up to 32768
     * @param eventIdx whether VIRTIO_F_EVENT_IDX was negotiated
     * @param indirectEntries the longest table of {@link #submitIndirect}; 0 if there will be none
     */
    public SplitDriver(DriverMemory memory, int size, boolean eventIdx, int indirectEntries) {
        if (size < 1 || size > QueueConfig.MAX_SIZE || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException("split ring size is no power of two up to 32768: num=" + size);
        }
        this.memory = memory;
        this.size = size;
        this.mask = size - 1;
        this.eventIdx = eventIdx;
        this.indirectEntries = indirectEntries;
        this.descriptorGuest = memory.allocate(SplitLayout.descriptorBytes(size), RING_ALIGNMENT);
        this.availGuest = memory.allocate(SplitLayout.availBytes(size, true), RING_ALIGNMENT);
        this.usedGuest = memory.allocate(SplitLayout.usedBytes(size, true), RING_ALIGNMENT);
        this.tablesGuest = indirectEntries == 0
                ? 0
                : memory.allocate((long) size * indirectEntries * SplitLayout.DESC_LENGTH, RING_ALIGNMENT);
        this.descriptors = memory.hostAddress(descriptorGuest);
        this.avail = memory.hostAddress(availGuest);
        this.used = memory.hostAddress(usedGuest);
        this.usedEvent = avail + SplitLayout.usedEventOffset(size);
        this.availEvent = used + SplitLayout.availEventOffset(size);
        this.next = new int[size];
        this.taken = new int[size];
        this.writable = new long[size];
        this.tokens = new long[size];
        this.bufferAddresses = new long[Math.max(size, indirectEntries)];
        this.bufferLengths = new int[bufferAddresses.length];
        reset();
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
        nextAvail = 0;
        published = 0;
        nextUsed = 0;
        usedSeen = 0;
        LittleEndian.putInt(avail, 0); // flags and idx
        LittleEndian.putInt(used, 0);
        LittleEndian.putU16(usedEvent, 0);
        LittleEndian.putU16(availEvent, 0);
    }

    /** Adds a chain of one buffer that the device reads; answers its head, or {@link #FULL}. */
    public int addReadable(long guestAddress, int lengthBytes, long token) {
        return addSingle(guestAddress, lengthBytes, 0, 0, token);
    }

    /** Adds a chain of one buffer that the device writes; answers its head, or {@link #FULL}. */
    public int addWritable(long guestAddress, int lengthBytes, long token) {
        return addSingle(guestAddress, lengthBytes, WRITE, lengthBytes, token);
    }

    private int addSingle(long guestAddress, int lengthBytes, int flags, long writableBytes, long token) {
        if (free == 0) {
            return FULL;
        }
        int head = freeHead;
        freeHead = next[head];
        free--;
        putDescriptor(descriptors, head, guestAddress, lengthBytes, flags, 0);
        offer(head, 1, writableBytes, token);
        return head;
    }

    /** Puts a buffer that the device reads at the end of the chain being made; before all that it writes. */
    public SplitDriver readable(long guestAddress, int lengthBytes) {
        if (readableBuffers != buffers) {
            throw new IllegalArgumentException("readable buffer after a writable one");
        }
        readableBuffers++;
        return append(guestAddress, lengthBytes);
    }

    /** Puts a buffer that the device writes at the end of the chain being made. */
    public SplitDriver writable(long guestAddress, int lengthBytes) {
        return append(guestAddress, lengthBytes);
    }

    private SplitDriver append(long guestAddress, int lengthBytes) {
        bufferAddresses[buffers] = guestAddress;
        bufferLengths[buffers] = lengthBytes;
        buffers++;
        return this;
    }

    /** Adds the chain that was made, in descriptors of the ring; answers its head, or {@link #FULL} and forgets it. */
    public int submit(long token) {
        return submit(buffers, 0, token);
    }

    /** Adds the chain that was made, as a table in one descriptor; answers its head, or {@link #FULL} and forgets it. */
    public int submitIndirect(long token) {
        if (buffers > indirectEntries) {
            throw new IllegalArgumentException("table is too long: entries=" + buffers + " max=" + indirectEntries);
        }
        return submit(0, tablesGuest + (long) freeHead * indirectEntries * SplitLayout.DESC_LENGTH, token);
    }

    /**
     * Adds the chain that was made: some buffers in descriptors of the ring, the rest in a table at the end of them
     * (§2.7.5.3.1); answers its head, or {@link #FULL} and forgets it.
     *
     * @param direct how many buffers come before the table; if all do there is no table
     * @param tableGuestAddress where the table goes; it may straddle regions
     */
    public int submit(int direct, long tableGuestAddress, long token) {
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
        int head = freeHead;
        int at = head;
        for (int i = 0; i < inRing; i++) {
            int following = next[at];
            int more = i + 1 < inRing ? NEXT : 0;
            if (i < direct) {
                int flags = (i < readableCount ? 0 : WRITE) | more;
                putDescriptor(descriptors, at, bufferAddresses[i], bufferLengths[i], flags, following);
            } else {
                putTable(tableGuestAddress, direct, count, readableCount);
                int tableBytes = (count - direct) * SplitLayout.DESC_LENGTH;
                putDescriptor(descriptors, at, tableGuestAddress, tableBytes, SplitLayout.VIRTQ_DESC_F_INDIRECT, 0);
            }
            at = following;
        }
        freeHead = at;
        free -= inRing;
        offer(head, inRing, writableBytes, token);
        return head;
    }

    private void putTable(long tableGuestAddress, int from, int to, int readableCount) {
        for (int i = from; i < to; i++) {
            int flags = (i < readableCount ? 0 : WRITE) | (i + 1 < to ? NEXT : 0);
            // Two words with their own translation: an entry may begin in one region and end in another.
            long entry = tableGuestAddress + (long) (i - from) * SplitLayout.DESC_LENGTH;
            LittleEndian.putLong(memory.hostAddress(entry), bufferAddresses[i]);
            LittleEndian.putLong(
                    memory.hostAddress(entry + SplitLayout.DESC_LEN_OFFSET),
                    descriptorRest(bufferLengths[i], flags, i + 1 - from));
        }
    }

    private static void putDescriptor(long table, int index, long address, int length, int flags, int next) {
        long descriptor = table + (long) index * SplitLayout.DESC_LENGTH;
        LittleEndian.putLong(descriptor, address);
        LittleEndian.putLong(descriptor + SplitLayout.DESC_LEN_OFFSET, descriptorRest(length, flags, next));
    }

    private static long descriptorRest(int length, int flags, int next) {
        return (length & 0xffff_ffffL) | (long) flags << 32 | (long) (next & 0xffff) << 48;
    }

    private void offer(int head, int descriptorCount, long writableBytes, long token) {
        taken[head] = descriptorCount;
        writable[head] = writableBytes;
        tokens[head] = token;
        LittleEndian.putU16(
                avail + SplitLayout.RING_OFFSET + (long) (nextAvail & mask) * SplitLayout.AVAIL_ELEM_LENGTH, head);
        nextAvail = (nextAvail + 1) & 0xffff;
    }

    /**
     * Shows the device the chains added since the last time.
     *
     * @return whether it wants to be kicked for them
     */
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

    /**
     * Takes the next chain that the device has returned, see {@link #usedToken} and {@link #usedBytes}.
     *
     * @return false if there is none
     * @throws DeviceFaultException if the device returned what it did not have or wrote more than it could
     */
    public boolean poll() {
        int index = nextUsed;
        if (!hasUsed()) {
            return false;
        }
        long element = LittleEndian.getLong(
                used + SplitLayout.RING_OFFSET + (long) (index & mask) * SplitLayout.USED_ELEM_LENGTH);
        int id = (int) element;
        long bytes = element >>> 32;
        if (id < 0 || id >= size || taken[id] == 0) {
            throw new DeviceFaultException("device returned a chain that it does not have: id=" + (id & 0xffff_ffffL)
                    + " num=" + size + " used=" + index);
        }
        if (bytes > writable[id]) {
            throw new DeviceFaultException(
                    "device wrote more than it could: id=" + id + " len=" + bytes + " writable=" + writable[id]);
        }
        usedId = id;
        usedToken = tokens[id];
        usedBytes = bytes;
        release(id);
        nextUsed = (index + 1) & 0xffff;
        return true;
    }

    /** Whether {@link #poll} would find a chain. */
    public boolean hasUsed() {
        return nextUsed != usedSeen || lookForUsed();
    }

    private boolean lookForUsed() {
        int index = LittleEndian.getU16(used + SplitLayout.IDX_OFFSET);
        VarHandle.acquireFence(); // acquire: used elements and buffers after used.idx (§2.7.14)
        if (distance(nextUsed, index) > distance(nextUsed, published)) {
            throw new DeviceFaultException("device returned more chains than it has: used.idx=" + index + " next="
                    + nextUsed + " available=" + published);
        }
        usedSeen = index;
        return index != nextUsed;
    }

    private void release(int head) {
        int count = taken[head];
        taken[head] = 0;
        int last = head;
        for (int i = 1; i < count; i++) {
            last = next[last];
        }
        next[last] = freeHead;
        freeHead = head;
        free += count;
    }

    /** The head of the chain of the last {@link #poll}. */
    public int usedId() {
        return usedId;
    }

    /** The token it was added with. */
    public long usedToken() {
        return usedToken;
    }

    /** The bytes the device wrote to it. Range: 0 to what it could write. */
    public long usedBytes() {
        return usedBytes;
    }

    /**
     * Asks the device for a call at the next chain it returns.
     *
     * @return whether one has been returned that it may not call for; poll again then
     */
    public boolean enableCalls() {
        return enableCallsAfter(1);
    }

    /**
     * Asks the device for a call once it has returned a number of chains; without EVENT_IDX it calls for each.
     *
     * @param chains at least 1, at most {@link #outstanding}
     * @return whether they have been returned already, so that it may not call; poll again then
     */
    public boolean enableCallsAfter(int chains) {
        if (eventIdx) {
            LittleEndian.putU16(usedEvent, nextUsed + chains - 1);
        } else {
            LittleEndian.putU16(avail, 0);
        }
        VarHandle.fullFence(); // our wish before used.idx is read once more (§2.7.7.1)
        return distance(nextUsed, LittleEndian.getU16(used + SplitLayout.IDX_OFFSET)) >= chains;
    }

    /** Lets the device know that calls are not needed for now; it may call all the same. */
    public void disableCalls() {
        if (!eventIdx) {
            LittleEndian.putU16(avail, SplitLayout.VIRTQ_AVAIL_F_NO_INTERRUPT);
        } // with EVENT_IDX the event lies behind, and is not passed again for 65536 chains
    }

    /** The number of descriptors. */
    public int size() {
        return size;
    }

    /** The descriptors that are free. */
    public int free() {
        return free;
    }

    /** The chains with the device, those not yet published included. */
    public int outstanding() {
        return distance(nextUsed, nextAvail);
    }

    /** The next available index: how many chains were ever added, in 16 bits. */
    public int availIndex() {
        return nextAvail;
    }

    /** The next used index: how many chains were ever polled, in 16 bits. */
    public int usedIndex() {
        return nextUsed;
    }

    /** The guest-physical address of the descriptor table. */
    public long descriptorAddress() {
        return descriptorGuest;
    }

    /** The guest-physical address of the available ring. */
    public long availAddress() {
        return availGuest;
    }

    /** The guest-physical address of the used ring. */
    public long usedAddress() {
        return usedGuest;
    }
}
