package org.vportd.virtio.queue;

import org.jspecify.annotations.Nullable;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.memory.Iotlb;

/**
 * What the formats have in common about one chain: puts the buffers of one direction at the end of a window, checks every
 * descriptor on the way, and finds tables of descriptors. Values come from locals of the caller, who has read them once.
 */
final class ChainReader implements AutoCloseable {
    private static final int MIN_TABLE_LIMIT = 1024;
    private static final int PAGE_SHIFT = 12;
    private static final long MAX_CHAIN_BYTES = 0xffff_ffffL; // §2.7.4: no longer than 2^32 bytes in total

    private final GuestMemory memory;
    private final boolean indirect;
    private final String placeName;
    private final long maxTableBytes;
    private final IoVector scratch = new IoVector();
    private long scratchMemory;

    private final IoVector window;
    private boolean wantsWritable;
    private int place;
    private boolean writableSeen;
    private long total;

    private @Nullable Iotlb iotlb;
    /** Entries the chain has taken up or lacks so far. */
    private int translations;

    private boolean missing;
    private boolean asked;
    private long awaited;

    /**
     * Makes a reader for one ring.
     *
     * @param window where buffers go
     * @param placeName what faults call the place of a chain in the ring
     */
    ChainReader(QueueConfig config, GuestMemory memory, IoVector window, String placeName) {
        this.memory = memory;
        this.window = window;
        this.indirect = config.features().indirect();
        this.placeName = placeName;
        this.maxTableBytes = (long) Math.max(config.size(), MIN_TABLE_LIMIT) * SplitLayout.DESC_LENGTH;
    }

    /** Says of which direction it puts buffers into the window from here on. */
    void want(boolean writable) {
        wantsWritable = writable;
    }

    /** Begins with the next chain. */
    void begin(int chainPlace) {
        place = chainPlace;
        writableSeen = false;
        total = 0;
        translations = 0;
        missing = false;
        asked = false;
    }

    /** From here on addresses are those of an IOMMU. */
    void translateThrough(Iotlb table) {
        iotlb = table;
    }

    /** Whether a translation was missing: what was read of the chain is not all of it. */
    boolean isMissing() {
        return missing;
    }

    /** Whether it makes sense to begin with the chain again that lacked a translation. */
    boolean canGoOn() {
        Iotlb table = iotlb;
        return !asked || table == null || table.entryOf(awaited) != Iotlb.NO_ENTRY;
    }

    /** Whether the chain that lacked a translation waits for that of an address. */
    boolean isAwaiting(long iova) {
        return asked && (awaited ^ iova) >>> PAGE_SHIFT == 0;
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
            long host = iotlb == null ? memory.guestRange(address, length) : GuestMemory.UNMAPPED;
            if (host != GuestMemory.UNMAPPED && length <= VirtQueue.MAX_SEGMENT_BYTES) {
                window.add(host, length); // the usual case
            } else {
                addBuffer(address, length, isWritable ? Iotlb.WRITE : Iotlb.READ, window);
            }
        }
    }

    /** Whether the device could write to the chain. */
    boolean isWritable() {
        return writableSeen;
    }

    private void addBuffer(long address, long length, int permission, IoVector into) {
        Iotlb table = iotlb;
        if (table != null) {
            addTranslated(table, address, length, permission, into);
            return;
        }
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

    /** What is missing is asked for, and the rest looked at all the same, so that all of it is asked for at once. */
    private void addTranslated(Iotlb table, long address, long length, int permission, IoVector into) {
        long at = address;
        long left = length;
        long run = 0; // entries that lie one behind the other in a region make one segment
        long runBytes = 0;
        while (left > 0) {
            if (translations++ > table.limit() / 2) {
                throw fault("chain needs too many translations: max=" + table.limit() / 2);
            }
            int entry = table.entryOf(at);
            long n;
            if (entry == Iotlb.NO_ENTRY) {
                missing = true;
                if (!table.miss(at, permission)) {
                    return; // more than can be asked for now
                }
                asked = true;
                awaited = at;
                n = Math.min(left, Iotlb.PAGE_BYTES - (at & (Iotlb.PAGE_BYTES - 1)));
            } else {
                if (!table.permits(entry, permission)) {
                    table.deny(at, permission);
                    throw new DriverFaultException("IOMMU does not permit the access: addr=0x" + Long.toHexString(at)
                            + " len=" + left + " access=" + (permission == Iotlb.WRITE ? "write" : "read"));
                }
                n = Math.min(Math.min(left, table.bytesLeft(entry, at)), VirtQueue.MAX_SEGMENT_BYTES);
                long host = table.hostAddress(entry, at);
                boolean goesOn = host == run + runBytes && !memory.beginsRegion(host);
                if (!goesOn || runBytes + n > VirtQueue.MAX_SEGMENT_BYTES) {
                    into.add(run, runBytes);
                    run = host;
                    runBytes = 0;
                }
                runBytes += n;
            }
            at += n;
            left -= n;
        }
        into.add(run, runBytes);
    }

    /**
     * Where the entries of a table can be read, or {@link GuestMemory#UNMAPPED} if a translation is missing.
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
        long host = iotlb == null ? memory.guestRange(address, length) : GuestMemory.UNMAPPED;
        return host != GuestMemory.UNMAPPED ? host : scratchTable(address, (int) length);
    }

    private long scratchTable(long address, int length) {
        scratch.clear();
        addBuffer(address, length, Iotlb.READ, scratch);
        if (missing) {
            return GuestMemory.UNMAPPED;
        }
        if (scratch.segments() == 1) {
            return scratch.segmentAddress(0);
        }
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
