package org.vportd.virtio.driver;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.memory.MemoryRegion;

/**
 * The memory of a simulated guest: one or more memory files, mapped here, out of which aligned ranges are handed out for
 * good. As with QEMU, the address in the front-end's own space (the mapping's) differs from the guest-physical one.
 */
public final class DriverMemory implements AutoCloseable {
    /** Where the only region begins if nothing else is asked for. */
    public static final long DEFAULT_GUEST_ADDRESS = 0x10_0000;

    /** What {@link #movePage} moves. */
    public static final long PAGE_BYTES = 4096;

    private static final byte POISON = (byte) 0xdb;
    private static final String FILE_NAME = "vportd-guest";

    private final List<Region> regions = new ArrayList<>();
    private final long[] taken;
    private Region hot;
    /** By guest page, where it is mapped here; null as long as none was moved. */
    private @Nullable Map<Long, Long> moved;

    private final ArrayDeque<Long> sparePages = new ArrayDeque<>();

    /**
     * What a region shall be like.
     *
     * @param guestAddress where it begins
     * @param sizeBytes its length, at least 1
     * @param fileOffset where it begins in its file
     */
    public record Range(long guestAddress, long sizeBytes, long fileOffset) {
        /** A region at the start of its file. */
        public Range(long guestAddress, long sizeBytes) {
            this(guestAddress, sizeBytes, 0);
        }
    }

    /**
     * A region as a front-end describes it to a back-end.
     *
     * @param file the memory file, owned by the {@link DriverMemory}
     * @param guestAddress where it begins in the guest's physical address space
     * @param userAddress where it is mapped here
     * @param sizeBytes its length
     * @param fileOffset where it begins in the file
     */
    public record Region(Fd file, long guestAddress, long userAddress, long sizeBytes, long fileOffset) {}

    private final List<MappedMemory> mappings = new ArrayList<>();

    private DriverMemory(List<Range> ranges, boolean sealed) throws PosixException {
        try {
            for (Range range : ranges) {
                add(range, sealed);
            }
        } catch (PosixException e) {
            close();
            throw e;
        }
        this.taken = new long[ranges.size()];
        this.hot = regions.get(0);
    }

    private void add(Range range, boolean sealed) throws PosixException {
        Fd file = Posix.memoryFile(FILE_NAME, range.fileOffset + range.sizeBytes);
        try {
            if (sealed) {
                Posix.sealShrink(file);
            }
            MappedMemory mapping = MappedMemory.map(file, range.fileOffset, range.sizeBytes);
            mappings.add(mapping);
            regions.add(new Region(file, range.guestAddress, mapping.address(), range.sizeBytes, range.fileOffset));
        } catch (PosixException e) {
            file.close();
            throw e;
        }
    }

    /** Makes memory of one region whose file cannot get shorter. */
    public static DriverMemory open(long sizeBytes) throws PosixException {
        return open(List.of(new Range(DEFAULT_GUEST_ADDRESS, sizeBytes)), true);
    }

    /**
     * Makes memory of several regions, each with a file of its own.
     *
     * @param ranges at least one; must not overlap
     * @param sealed whether the files can never get shorter
     */
    public static DriverMemory open(List<Range> ranges, boolean sealed) throws PosixException {
        if (ranges.isEmpty()) {
            throw new IllegalArgumentException("memory without a region");
        }
        return new DriverMemory(ranges, sealed);
    }

    /** The regions, in the order they were asked for. */
    public List<Region> regions() {
        return List.copyOf(regions);
    }

    /**
     * Hands out a range that is all zero, from the first region that has room.
     *
     * @param alignment a power of two
     * @return its guest-physical address
     * @throws IllegalStateException if there is no room
     */
    public long allocate(long sizeBytes, long alignment) {
        for (int i = 0; i < taken.length; i++) {
            Region region = regions.get(i);
            long start = (region.guestAddress + taken[i] + alignment - 1) & -alignment;
            long end = start - region.guestAddress + sizeBytes;
            if (end <= region.sizeBytes) {
                taken[i] = end;
                return start;
            }
        }
        throw new IllegalStateException("guest memory is used up: size=" + sizeBytes);
    }

    /** Where a guest-physical address is mapped here; valid to the end of its region. */
    public long hostAddress(long guestAddress) {
        Map<Long, Long> elsewhere = moved;
        if (elsewhere != null) {
            Long page = elsewhere.get(guestAddress & -PAGE_BYTES);
            if (page != null) {
                return page + (guestAddress & (PAGE_BYTES - 1));
            }
        }
        Region last = hot;
        long offset = guestAddress - last.guestAddress;
        if (offset >= 0 && offset < last.sizeBytes) {
            return last.userAddress + offset;
        }
        for (Region region : regions) {
            offset = guestAddress - region.guestAddress;
            if (offset >= 0 && offset < region.sizeBytes) {
                hot = region;
                return region.userAddress + offset;
            }
        }
        throw new IllegalArgumentException("no such guest memory: address=0x" + Long.toHexString(guestAddress));
    }

    /** Whether there is such guest memory. */
    public boolean contains(long guestAddress) {
        return regions.stream().anyMatch(r -> Long.compareUnsigned(guestAddress - r.guestAddress, r.sizeBytes) < 0);
    }

    /**
     * Moves a page: what is in it is elsewhere afterwards, in memory handed out for that, and what it was in is overwritten.
     * Nobody but the caller may be using it. From then on {@link #hostAddress} is valid to the end of a page only.
     *
     * @param guestAddress where the page begins
     */
    public void movePage(long guestAddress) {
        if (moved == null) {
            moved = new HashMap<>();
        }
        long from = hostAddress(guestAddress);
        Long to = sparePages.poll();
        if (to == null) {
            to = hostAddress(allocate(PAGE_BYTES, PAGE_BYTES));
        }
        NativeMemory.copy(from, to, PAGE_BYTES);
        for (int i = 0; i < PAGE_BYTES; i++) {
            NativeMemory.putByte(from + i, POISON);
        }
        moved.put(guestAddress, to);
        sparePages.add(from); // the last to be used again
    }

    /** Maps everything once more, as a back-end in the same process sees it. */
    public GuestMemory mapForDevice() throws PosixException {
        GuestMemory memory = new GuestMemory();
        try {
            for (Region r : regions) {
                MappedMemory mapping = MappedMemory.map(r.file, r.fileOffset, r.sizeBytes);
                memory.add(new MemoryRegion(r.guestAddress, r.userAddress, r.sizeBytes, mapping));
            }
            return memory;
        } catch (PosixException e) {
            memory.close();
            throw e;
        }
    }

    /** Unmaps the memory and closes the files. Every address taken from it is invalid then. */
    @Override
    public void close() {
        mappings.forEach(MappedMemory::close);
        regions.forEach(region -> region.file.close());
    }
}
