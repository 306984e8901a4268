package org.vportd.vhostuser.backend;

import java.util.List;
import org.vportd.posix.MappedView;
import org.vportd.vhostuser.protocol.VhostUserRequestException;

/**
 * One of the three parts of a ring.
 *
 * @param name what messages call it
 * @param address where it begins, in the address space that the front-end gives rings in
 * @param bytes its length
 * @param permission what the device does with it, as in {@link org.vportd.virtio.memory.Iotlb}
 */
record RingPart(String name, long address, long bytes, int permission) {
    /** Whether it has a byte of a range; neither runs past 2^64. */
    boolean touches(long start, long length) {
        return Long.compareUnsigned(start - address, bytes) < 0 || Long.compareUnsigned(address - start, length) < 0;
    }

    /** Finds where the parts of rings are mapped here. */
    @FunctionalInterface
    interface Translation {
        /**
         * Where all of a part is mapped here, in one piece.
         *
         * @param views takes mappings that had to be made for that; whoever has them closes them
         *
         * @throws VhostUserRequestException if it is not
         */
        long of(RingPart part, List<MappedView> views) throws VhostUserRequestException;
    }
}
