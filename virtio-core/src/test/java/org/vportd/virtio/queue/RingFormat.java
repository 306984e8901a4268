package org.vportd.virtio.queue;

import org.vportd.virtio.VirtioFeature;

/** What a ring can look like; the same device code serves them all. */
enum RingFormat {
    SPLIT(0),
    SPLIT_IN_ORDER(VirtioFeature.mask(VirtioFeature.VIRTIO_F_IN_ORDER)),
    PACKED(VirtioFeature.mask(VirtioFeature.VIRTIO_F_RING_PACKED)),
    PACKED_IN_ORDER(VirtioFeature.mask(VirtioFeature.VIRTIO_F_RING_PACKED)
            | VirtioFeature.mask(VirtioFeature.VIRTIO_F_IN_ORDER));

    private final long features;

    RingFormat(long features) {
        this.features = features;
    }

    boolean isPacked() {
        return this == PACKED || this == PACKED_IN_ORDER;
    }

    boolean isInOrder() {
        return this == SPLIT_IN_ORDER || this == PACKED_IN_ORDER;
    }

    long features(boolean eventIdx, boolean indirect) {
        return features
                | (eventIdx ? VirtioFeature.mask(VirtioFeature.VIRTIO_F_EVENT_IDX) : 0)
                | (indirect ? VirtioFeature.mask(VirtioFeature.VIRTIO_F_INDIRECT_DESC) : 0);
    }

    /** A size that such a ring can have, near another. */
    int sizeNear(int powerOfTwo) {
        return isPacked() ? powerOfTwo - powerOfTwo / 3 : powerOfTwo;
    }
}
