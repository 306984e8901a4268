package org.vportd.virtio.memory;

import org.vportd.posix.MappedMemory;

/**
 * A contiguous part of the driver's memory. Owns its mapping.
 *
 * @param guestAddress where it begins in the guest's physical address space
 * @param userAddress where it begins in the front-end's own address space
 * @param sizeBytes its length, at least 1; neither range runs past 2^64
 * @param mapping the file behind it, mapped here
 */
public record MemoryRegion(long guestAddress, long userAddress, long sizeBytes, MappedMemory mapping)
        implements AutoCloseable {

    /** Checks the ranges. */
    public MemoryRegion {
        if (sizeBytes <= 0 || wraps(guestAddress, sizeBytes) || wraps(userAddress, sizeBytes)) {
            throw new IllegalArgumentException("memory region out of range: guest_address=0x"
                    + Long.toHexString(guestAddress) + " user_address=0x" + Long.toHexString(userAddress) + " size=0x"
                    + Long.toHexString(sizeBytes));
        }
    }

    private static boolean wraps(long start, long sizeBytes) {
        return Long.compareUnsigned(start + (sizeBytes - 1), start) < 0;
    }

    boolean overlapsGuest(MemoryRegion other) {
        return overlap(guestAddress, sizeBytes, other.guestAddress, other.sizeBytes);
    }

    boolean overlapsUser(MemoryRegion other) {
        return overlap(userAddress, sizeBytes, other.userAddress, other.sizeBytes);
    }

    private static boolean overlap(long a, long aBytes, long b, long bBytes) {
        // Neither range wraps, so one of the unsigned distances tells.
        return Long.compareUnsigned(b - a, aBytes) < 0 || Long.compareUnsigned(a - b, bBytes) < 0;
    }

    @Override
    public void close() {
        mapping.close();
    }
}
