package org.vportd.bench;

import static org.vportd.virtio.VirtioFeature.mask;

import org.vportd.virtio.VirtioFeature;

/** What the rings between driver and device are like. */
public enum Rings {
    /** Three tables. */
    SPLIT(false, false),
    /** The same, with one used element for several buffers. */
    SPLIT_IN_ORDER(false, true),
    /** One ring. */
    PACKED(true, false),
    /** The same, with one used descriptor for several buffers. */
    PACKED_IN_ORDER(true, true);

    private final boolean packed;
    private final boolean inOrder;

    Rings(boolean packed, boolean inOrder) {
        this.packed = packed;
        this.inOrder = inOrder;
    }

    /** The features to be negotiated for such rings, with tables of descriptors and with or without named events. */
    long features(boolean eventIdx) {
        return mask(VirtioFeature.VIRTIO_F_INDIRECT_DESC)
                | (eventIdx ? mask(VirtioFeature.VIRTIO_F_EVENT_IDX) : 0)
                | (packed ? mask(VirtioFeature.VIRTIO_F_RING_PACKED) : 0)
                | (inOrder ? mask(VirtioFeature.VIRTIO_F_IN_ORDER) : 0);
    }
}
