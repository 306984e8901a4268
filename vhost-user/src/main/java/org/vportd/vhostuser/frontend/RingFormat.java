package org.vportd.vhostuser.frontend;

import static org.vportd.virtio.VirtioFeature.VIRTIO_F_IN_ORDER;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_RING_PACKED;
import static org.vportd.virtio.VirtioFeature.mask;

/**
 * What the rings of a driver are like.
 *
 * @param packed whether they have the packed format
 * @param inOrder whether the driver relies on buffers being used in order
 */
public record RingFormat(boolean packed, boolean inOrder) {
    /** What every device has. */
    public static final RingFormat SPLIT = new RingFormat(false, false);

    /** The features that must be negotiated for it. */
    public long features() {
        return (packed ? mask(VIRTIO_F_RING_PACKED) : 0) | (inOrder ? mask(VIRTIO_F_IN_ORDER) : 0);
    }

    @Override
    public String toString() {
        return (packed ? "packed rings" : "split rings") + (inOrder ? " in order" : "");
    }
}
