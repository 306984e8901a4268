package org.vportd.virtio.queue;

import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;
import org.vportd.virtio.memory.GuestMemory;

/**
 * What the formats have in common about one chain: puts the buffers of one direction at the end of a window, checks every
 * descriptor on the way, and finds tables of descriptors. Values come from locals of the caller, who has read them once.
 */
final class ChainReader implements AutoCloseable {
    private static final int MIN_TABLE_LIMIT = 1024;
    private static final long MAX_CHAIN_BYTES = 0xffff_ffffL; // §2.7.4: no longer than 2^32 bytes in total

    private final GuestMemory memory;
    private final boolean indirect;
    private final String placeName;
    private final long maxTableBytes;
    private final IoVector scratch = new IoVector();
    private long scratchMemory;

    private IoVector window = scratch;
    private int place;
    private boolean wantsWritable;
    private boolean writableSeen;
    private long total;

    /**
     * Makes a reader for one ring.
     *
     * @param placeName what faults call the place of a chain in the ring
     */
    ChainReader(QueueConfig config, GuestMemory memory, String placeName) {
        this.memory = memory;
        this.indirect = config.features().indirect();
        this.placeName = placeName;
        this.maxTableBytes = (long) Math.max(config.size(), MIN_TABLE_LIMIT) * SplitLayout.DESC_LENGTH;
    }

    /** Begins with the next chain. */
    void begin(int chainPlace, boolean writable, IoVector into) {
        place = chainPlace;
        wantsWritable = writable;
        window = into;
        writableSeen = false;
        total = 0;
    }

    /** Takes the next buffer of the chain. */
    void add(long address, long length, boolean isWritable) {
        if (writableSeen && !isWritable) {
            throw fault("readable descriptor after a writable one");
        }
        writableSeen = isWritable;
        total += length;
        if (total > MAX_CHAIN_BYTES) {
            throw fault("chain is longer than 2^32 - 1 bytes");
        }
        if (isWritable == wantsWritable) {
            addBuffer(address, length, window);
        }
    }

    /** Whether the device could write to the chain. */
    boolean isWritable() {
        return writableSeen;
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
            long n = Math.min(Math.min(left, memory.bytesLeft(region, at)), VirtQueue.MAX_SEGMENT_BYTES);
            into.add(memory.hostAddress(region, at), n);
            at += n;
            left -= n;
        }
    }

    /**
     * Where the entries of a table can be read.
     *
     * @param allowed whether the chain may have a table at this point
     */
    long table(long address, long length, boolean allowed) {
        if (!indirect || !allowed) {
            throw fault("indirect descriptor is not allowed here: negotiated=" + indirect);
        }
        if (length == 0 || length % SplitLayout.DESC_LENGTH != 0 || length > maxTableBytes) {
            throw fault("indirect table has a bad length: len=" + length + " max=" + maxTableBytes);
        }
        // Within one region it is read in place, every value once; one that straddles regions is put together first.
        long host = memory.guestRange(address, length);
        return host != GuestMemory.UNMAPPED ? host : scratchTable(address, (int) length);
    }

    private long scratchTable(long address, int length) {
        scratch.clear();
        addBuffer(address, length, scratch);
        if (scratchMemory == 0) {
            scratchMemory = NativeMemory.allocate(maxTableBytes);
        }
        scratch.copyTo(scratchMemory, length);
        return scratchMemory;
    }

    DriverFaultException fault(String what) {
        String separator = what.indexOf(':') < 0 ? ": " : " ";
        return new DriverFaultException(what + separator + placeName + "=" + place);
    }

    @Override
    public void close() {
        scratch.close();
        NativeMemory.free(scratchMemory);
        scratchMemory = 0;
    }
}
