package org.vportd.vhostuser.backend;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.MappedView;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.RegionDescription;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.memory.MemoryRegion;

/** The memory messages of a session, each done as a whole or not at all. Rings are paused by the caller where needed. */
final class SessionMemory implements AutoCloseable {
    /** The most regions; the answer to GET_MAX_MEM_SLOTS, which may never get smaller. */
    static final int MAX_SLOTS = 509;

    private final GuestMemory memory = new GuestMemory();
    private boolean guestAddresses;

    /** From here on the front-end gives guest-physical addresses where it would give its own. */
    void setGuestAddresses(boolean on) {
        guestAddresses = on;
    }

    /** With guest addresses the front-end does not say where a region is in its own address space. */
    private RegionDescription known(RegionDescription region) {
        return guestAddresses
                ? new RegionDescription(
                        region.guestAddress(), region.sizeBytes(), region.guestAddress(), region.mmapOffset())
                : region;
    }

    GuestMemory table() {
        return memory;
    }

    /** Maps a whole new table. */
    GuestMemory map(List<RegionDescription> regions, List<Fd> descriptors) throws VhostUserRequestException {
        GuestMemory mapped = new GuestMemory();
        try {
            for (int i = 0; i < regions.size(); i++) {
                add(mapped, known(regions.get(i)), descriptors.get(i));
            }
            return mapped;
        } catch (VhostUserRequestException e) {
            mapped.close();
            throw e;
        }
    }

    /** Where a part of a ring lies that the front-end gives in its own address space. */
    long ringPart(RingPart part, List<MappedView> views) throws VhostUserRequestException {
        long host = memory.userRange(part.address(), part.bytes());
        if (host == GuestMemory.UNMAPPED) {
            throw new VhostUserRequestException("ring is not within one memory region: part=" + part.name()
                    + " user_address=0x" + Long.toHexString(part.address()) + " bytes=" + part.bytes());
        }
        return host;
    }

    void replaceWith(GuestMemory mapped) {
        memory.replaceWith(mapped);
    }

    void add(RegionDescription region, Fd descriptor) throws VhostUserRequestException {
        if (memory.size() == MAX_SLOTS) {
            throw new VhostUserRequestException("too many memory regions: max=" + MAX_SLOTS);
        }
        add(memory, known(region).check(), descriptor);
    }

    private static void add(GuestMemory to, RegionDescription region, Fd descriptor) throws VhostUserRequestException {
        MappedMemory mapping;
        try {
            mapping = MappedMemory.map(descriptor, region.mmapOffset(), region.sizeBytes());
        } catch (PosixException e) {
            throw new VhostUserRequestException(
                    "memory region cannot be mapped, or its file is too short: " + region + " error=" + e.errorText());
        }
        try {
            to.add(new MemoryRegion(region.guestAddress(), region.userAddress(), region.sizeBytes(), mapping));
        } catch (IllegalArgumentException e) {
            mapping.close();
            throw new VhostUserRequestException(e.getMessage() == null ? "memory region is refused" : e.getMessage());
        }
    }

    /** Takes a region out; it is unmapped when the caller closes it. */
    MemoryRegion remove(RegionDescription removal) throws VhostUserRequestException {
        RegionDescription region = known(removal);
        @Nullable MemoryRegion removed = memory.remove(region.guestAddress(), region.userAddress(), region.sizeBytes());
        if (removed == null) {
            throw new VhostUserRequestException("no such memory region: " + region);
        }
        return removed;
    }

    @Override
    public void close() {
        memory.close();
    }
}
