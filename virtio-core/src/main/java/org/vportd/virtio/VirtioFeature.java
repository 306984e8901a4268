package org.vportd.virtio;

import org.vportd.virtio.queue.RingFeatures;

/** Feature bits of the transport and the rings, by number (Virtio 1.3 §6), and arithmetic on sets of them. */
public final class VirtioFeature {
    /** Descriptors may refer to tables of descriptors. */
    public static final int VIRTIO_F_INDIRECT_DESC = 28;
    /** Either side names the index at which it wants to be notified. */
    public static final int VIRTIO_F_EVENT_IDX = 29;
    /** The device follows version 1 of the standard or later. */
    public static final int VIRTIO_F_VERSION_1 = 32;
    /** The device sees memory through an IOMMU, if there is one. */
    public static final int VIRTIO_F_ACCESS_PLATFORM = 33;
    /** Virtqueues have the packed format (§2.8). */
    public static final int VIRTIO_F_RING_PACKED = 34;
    /** The device uses buffers in the order in which they were made available. */
    public static final int VIRTIO_F_IN_ORDER = 35;

    private VirtioFeature() {}

    /** The set that contains one feature. */
    public static long mask(int bit) {
        return 1L << bit;
    }

    /** Those of a set that matter to rings. */
    public static RingFeatures rings(long features) {
        return new RingFeatures(
                has(features, VIRTIO_F_RING_PACKED),
                has(features, VIRTIO_F_EVENT_IDX),
                has(features, VIRTIO_F_INDIRECT_DESC),
                has(features, VIRTIO_F_IN_ORDER));
    }

    /** Whether a set contains a feature. */
    public static boolean has(long features, int bit) {
        return (features & mask(bit)) != 0;
    }
}
