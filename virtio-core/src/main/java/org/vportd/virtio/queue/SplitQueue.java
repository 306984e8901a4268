package org.vportd.virtio.queue;

import static org.vportd.virtio.queue.SplitLayout.distance;

import java.lang.invoke.VarHandle;
import org.vportd.posix.IoVector;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.NativeMemory;
import org.vportd.virtio.memory.GuestMemory;

/** A split virtqueue (Virtio 1.3 §2.7). Indexes run freely in 16 bits. */
public final class SplitQueue extends VirtQueue {
    private static final int MIN_INDIRECT_LIMIT = 1024;
    private static final long MAX_CHAIN_BYTES = 0xffff_ffffL; // §2.7.4: no longer than 2^32 bytes in total

    private final GuestMemory memory;
    private final DriverNotifier notifier;
    private final int size;
    private final int mask;
    private final boolean eventIdx;
    private final boolean indirect;
    private final long descriptors;
    private final long availIdx;
    private final long availRing;
    private final long usedEvent;
    private final long usedFlags;
    private final long usedIdx;
    private final long usedRing;
    private final long availEvent;

    private final IoVector scratch = new IoVector();
    private long scratchMemory;

    private int nextWalk;
    private int availSeen;
    private int nextUsed;
    private int published;
    private boolean callAlways = true;
    private boolean kicksOff;

    /**
     * Starts at the index the front-end gives and the used index found in memory. If the two differ by no more than a
     * ring, chains were taken and never returned by a device that is gone: since chains are returned in order here, they
     * are taken again.
     *
     * @throws DriverFaultException if the values cannot be those of a split ring
     */
    public SplitQueue(QueueConfig config, GuestMemory memory, DriverNotifier notifier) {
        this.size = config.size();
        if (size < 1 || size > QueueConfig.MAX_SIZE || Integer.bitCount(size) != 1) {
            throw new DriverFaultException("split ring size is no power of two up to 32768: num=" + size);
        }
        this.memory = memory;
        this.notifier = notifier;
        this.mask = size - 1;
        this.eventIdx = config.eventIdx();
        this.indirect = config.indirect();
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
        this.availSeen = nextWalk;
    }

    @Override
    public int base() {
        return (nextWalk - windowChains()) & 0xffff;
    }

    @Override
    public boolean hasAvailable() {
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
    int walkNext(boolean writable, IoVector into) {
        if (!hasAvailable()) {
            return -1;
        }
        int chainHead = LittleEndian.getU16(availRing + (long) (nextWalk & mask) * SplitLayout.AVAIL_ELEM_LENGTH);
        if (chainHead >= size) {
            throw new DriverFaultException("head is out of range: head=" + chainHead + " num=" + size);
        }
        walkChain(chainHead, writable, into);
        nextWalk = (nextWalk + 1) & 0xffff;
        return chainHead;
    }

    private void walkChain(int chainHead, boolean writable, IoVector into) {
        long table = descriptors;
        int limit = size;
        int index = chainHead;
        boolean inTable = false;
        boolean writableSeen = false;
        long total = 0;
        int left = limit;
        int steps = 0;
        while (true) {
            steps++;
            if (left-- == 0) {
                throw new DriverFaultException("chain has a loop or is too long: head=" + chainHead + " num=" + limit);
            }
            long descriptor = table + (long) index * SplitLayout.DESC_LENGTH;
            long address = LittleEndian.getLong(descriptor);
            long rest = LittleEndian.getLong(descriptor + SplitLayout.DESC_LEN_OFFSET); // len, flags, next at once
            long length = rest & 0xffff_ffffL;
            int flags = (int) (rest >>> 32) & 0xffff;
            if ((flags & SplitLayout.VIRTQ_DESC_F_INDIRECT) != 0) {
                checkIndirect(chainHead, inTable, flags, length);
                table = indirectTable(address, length);
                limit = (int) (length / SplitLayout.DESC_LENGTH);
                left = limit;
                index = 0;
                inTable = true;
                continue;
            }
            boolean isWritable = (flags & SplitLayout.VIRTQ_DESC_F_WRITE) != 0;
            if (writableSeen && !isWritable) {
                throw new DriverFaultException("readable descriptor after a writable one: head=" + chainHead);
            }
            writableSeen = isWritable;
            total += length;
            if (total > MAX_CHAIN_BYTES) {
                throw new DriverFaultException("chain is longer than 2^32 - 1 bytes: head=" + chainHead);
            }
            if (isWritable == writable) {
                addBuffer(address, length, into);
            }
            if ((flags & SplitLayout.VIRTQ_DESC_F_NEXT) == 0) {
                countDescriptors(steps);
                return;
            }
            index = (int) (rest >>> 48);
            if (index >= limit) {
                throw new DriverFaultException("next is out of range: next=" + index + " num=" + limit);
            }
        }
    }

    private void checkIndirect(int chainHead, boolean inTable, int flags, long length) {
        if (!indirect || inTable || (flags & SplitLayout.VIRTQ_DESC_F_NEXT) != 0) {
            throw new DriverFaultException("indirect descriptor is not allowed here: head=" + chainHead + " negotiated="
                    + indirect + " nested=" + inTable + " flags=" + flags);
        }
        long most = (long) Math.max(size, MIN_INDIRECT_LIMIT) * SplitLayout.DESC_LENGTH;
        if (length == 0 || length % SplitLayout.DESC_LENGTH != 0 || length > most) {
            throw new DriverFaultException(
                    "indirect table has a bad length: head=" + chainHead + " len=" + length + " max=" + most);
        }
    }

    /** A table within one region is read in place, every value once; one that straddles regions is put together first. */
    private long indirectTable(long address, long length) {
        long host = memory.guestRange(address, length);
        return host != GuestMemory.UNMAPPED ? host : scratchTable(address, (int) length);
    }

    private long scratchTable(long address, int length) {
        scratch.clear();
        addBuffer(address, length, scratch);
        if (scratchMemory == 0) {
            scratchMemory = NativeMemory.allocate((long) Math.max(size, MIN_INDIRECT_LIMIT) * SplitLayout.DESC_LENGTH);
        }
        scratch.copyTo(scratchMemory, length);
        return scratchMemory;
    }

    @Override
    public void close() {
        super.close();
        scratch.close();
        NativeMemory.free(scratchMemory);
        scratchMemory = 0;
    }

    private void addBuffer(long address, long length, IoVector into) {
        long at = address;
        long left = length;
        while (left > 0) {
            int region = memory.regionOf(at);
            if (region == GuestMemory.NO_REGION) {
                throw new DriverFaultException(
                        "buffer is outside of memory: addr=0x" + Long.toHexString(address) + " len=" + length);
            }
            long n = Math.min(Math.min(left, memory.bytesLeft(region, at)), MAX_SEGMENT_BYTES);
            into.add(memory.hostAddress(region, at), n);
            at += n;
            left -= n;
        }
    }

    @Override
    void unwalk() {
        nextWalk = base();
        availSeen = nextWalk;
    }

    @Override
    void putUsed(int id, int written) {
        long element = usedRing + (long) (nextUsed & mask) * SplitLayout.USED_ELEM_LENGTH;
        LittleEndian.putInt(element, id);
        LittleEndian.putInt(element + SplitLayout.USED_ELEM_LEN_OFFSET, written);
        nextUsed = (nextUsed + 1) & 0xffff;
    }

    @Override
    public void publish() {
        int before = published;
        if (before == nextUsed) {
            return;
        }
        VarHandle.releaseFence(); // release: used elements and buffers before used.idx (§2.7.8.2)
        LittleEndian.putU16(usedIdx, nextUsed);
        published = nextUsed;
        VarHandle.fullFence(); // used.idx before the driver's wish is read (§2.7.7.1)
        if (driverWantsCall(before)) {
            callAlways = false;
            notifier.call();
        }
    }

    private boolean driverWantsCall(int before) {
        if (!eventIdx) {
            int flags = LittleEndian.getU16(availIdx - SplitLayout.IDX_OFFSET);
            return (flags & SplitLayout.VIRTQ_AVAIL_F_NO_INTERRUPT) == 0;
        }
        int event = LittleEndian.getU16(usedEvent);
        return callAlways || distance(event + 1, nextUsed) < distance(before, nextUsed);
    }

    @Override
    public boolean enableKicks() {
        kicksOff = false;
        if (eventIdx) {
            LittleEndian.putU16(availEvent, nextWalk);
        } else {
            LittleEndian.putU16(usedFlags, 0);
        }
        VarHandle.fullFence(); // our wish before avail.idx is read once more (§2.7.10.1)
        return hasAvailable();
    }

    @Override
    public void disableKicks() {
        if (!kicksOff) {
            kicksOff = true;
            if (!eventIdx) {
                LittleEndian.putU16(usedFlags, SplitLayout.VIRTQ_USED_F_NO_NOTIFY);
            }
        }
    }
}
