package org.vportd.virtio.memory;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The table of regions (Virtio over vhost-user "Memory region description"). Translation looks at the region of the last
 * hit first and allocates nothing.
 */
public final class GuestMemory implements AutoCloseable {
    /** The answer for an address that is in no region. */
    public static final int NO_REGION = -1;

    /** The answer for a range that is not within one region. */
    public static final long UNMAPPED = 0;

    private final List<MemoryRegion> regions = new ArrayList<>();
    private long[] starts = {};
    private long[] sizes = {};
    private long[] hosts = {};
    private int hot;
    /** The same region: where it begins, its length, and where it is mapped here. */
    private long hotStart;

    private long hotSize;
    private long hotHost;

    /** Makes an empty table. */
    public GuestMemory() {}

    /** The number of regions. */
    public int size() {
        return regions.size();
    }

    /**
     * Adds a region and takes ownership of it.
     *
     * @throws IllegalArgumentException if it overlaps one that is there; it is not taken then
     */
    public void add(MemoryRegion region) {
        for (MemoryRegion other : regions) {
            if (region.overlapsGuest(other) || region.overlapsUser(other)) {
                throw new IllegalArgumentException("memory region overlaps another: guest_address=0x"
                        + Long.toHexString(region.guestAddress()) + " user_address=0x"
                        + Long.toHexString(region.userAddress()) + " size=0x" + Long.toHexString(region.sizeBytes()));
            }
        }
        regions.add(region);
        index();
    }

    /**
     * Takes a region out; its mapping is the caller's to close.
     *
     * @return the region, or null if there is none with exactly these values
     */
    public @Nullable MemoryRegion remove(long guestAddress, long userAddress, long sizeBytes) {
        for (MemoryRegion region : regions) {
            if (region.guestAddress() == guestAddress
                    && region.userAddress() == userAddress
                    && region.sizeBytes() == sizeBytes) {
                regions.remove(region);
                index();
                return region;
            }
        }
        return null;
    }

    /** Takes over all regions of another table, which is empty afterwards; the ones that were here are unmapped. */
    public void replaceWith(GuestMemory other) {
        close();
        regions.addAll(other.regions);
        other.regions.clear();
        other.index();
        index();
    }

    private void index() {
        regions.sort(Comparator.comparing(MemoryRegion::guestAddress, Long::compareUnsigned));
        starts = regions.stream().mapToLong(MemoryRegion::guestAddress).toArray();
        sizes = regions.stream().mapToLong(MemoryRegion::sizeBytes).toArray();
        hosts = regions.stream().mapToLong(r -> r.mapping().address()).toArray();
        makeHot(0);
    }

    private void makeHot(int region) {
        hot = region;
        boolean exists = region < starts.length;
        hotStart = exists ? starts[region] : 0;
        hotSize = exists ? sizes[region] : 0;
        hotHost = exists ? hosts[region] : 0;
    }

    /** The region that a guest-physical address is in, or {@link #NO_REGION}. */
    public int regionOf(long guestAddress) {
        if (isWithin(guestAddress - hotStart, hotSize)) {
            return hot;
        }
        int i = lastBegunBy(guestAddress);
        if (i >= 0 && isWithin(guestAddress - starts[i], sizes[i])) {
            makeHot(i);
            return i;
        }
        return NO_REGION;
    }

    /** Whether an offset, which may be far behind or before it, is in a region; regions are shorter than 2^63. */
    private static boolean isWithin(long offset, long sizeBytes) {
        return offset >= 0 && offset < sizeBytes;
    }

    /** The last region that begins at an address or before it, or -1. */
    private int lastBegunBy(long guestAddress) {
        int low = 0;
        int high = starts.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (Long.compareUnsigned(starts[middle], guestAddress) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    /** Where an address that is in the region is mapped here. */
    public long hostAddress(int region, long guestAddress) {
        return hosts[region] + (guestAddress - starts[region]);
    }

    /** The bytes from an address to the end of the region that it is in, at least 1. */
    public long bytesLeft(int region, long guestAddress) {
        return sizes[region] - (guestAddress - starts[region]);
    }

    /**
     * The guest-physical address of a place in this process: the way back from {@link #hostAddress}.
     *
     * @throws IllegalArgumentException if it is in no region
     */
    public long guestAddress(long hostAddress) {
        if (!isWithin(hostAddress - hotHost, hotSize)) {
            int i = 0;
            while (i < starts.length && !isWithin(hostAddress - hosts[i], sizes[i])) {
                i++;
            }
            if (i == starts.length) {
                throw new IllegalArgumentException(
                        "no such guest memory: host_address=0x" + Long.toHexString(hostAddress));
            }
            makeHot(i);
        }
        return hotStart + (hostAddress - hotHost);
    }

    /** Whether a region is mapped from this place on; what lies before it may be another one by chance. */
    public boolean beginsRegion(long hostAddress) {
        for (long host : hosts) {
            if (host == hostAddress) {
                return true;
            }
        }
        return false;
    }

    /** Where a range of guest-physical memory within one region is mapped here, or {@link #UNMAPPED}. */
    public long guestRange(long guestAddress, long lengthBytes) {
        long offset = guestAddress - hotStart;
        if ((offset | lengthBytes) >= 0 && offset < hotSize && lengthBytes <= hotSize - offset) {
            return hotHost + offset; // as a rule, and C1 compares signed numbers in far fewer instructions
        }
        int region = regionOf(guestAddress);
        return region == NO_REGION || Long.compareUnsigned(lengthBytes, bytesLeft(region, guestAddress)) > 0
                ? UNMAPPED
                : hostAddress(region, guestAddress);
    }

    /** Where a range of the front-end's own memory within one region is mapped here, or {@link #UNMAPPED}. */
    public long userRange(long userAddress, long lengthBytes) {
        for (MemoryRegion region : regions) {
            long offset = userAddress - region.userAddress();
            if (Long.compareUnsigned(offset, region.sizeBytes()) < 0) {
                return Long.compareUnsigned(lengthBytes, region.sizeBytes() - offset) > 0
                        ? UNMAPPED
                        : region.mapping().address() + offset;
            }
        }
        return UNMAPPED;
    }

    /** Whether a file behind it may be truncated some time. */
    public boolean canVanish() {
        return regions.stream().anyMatch(region -> region.mapping().canVanish());
    }

    /** Whether all of it is still there: no file behind it has been truncated. */
    public boolean isIntact() {
        return regions.stream().allMatch(region -> region.mapping().isIntact());
    }

    /** Unmaps everything; the table is empty and usable again. */
    @Override
    public void close() {
        regions.forEach(MemoryRegion::close);
        regions.clear();
        index();
    }
}
