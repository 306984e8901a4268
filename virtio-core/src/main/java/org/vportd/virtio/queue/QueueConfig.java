package org.vportd.virtio.queue;

import org.vportd.virtio.VirtioFeature;

/**
 * Where a ring lies and how it is to be served. The addresses are those of this process and cover the whole part each.
 *
 * @param size the number of descriptors; range 1 to 32768, a power of two for split rings
 * @param descriptorAddress the descriptor table, or the packed descriptor ring
 * @param driverAddress the driver area: the available ring, or the driver's event suppression
 * @param deviceAddress the device area: the used ring, or the device's event suppression
 * @param base where to go on, as the front-end gives it: the next available index, or as {@link PackedLayout} has it
 * @param features the features negotiated; those of rings matter here
 */
public record QueueConfig(
        int size, long descriptorAddress, long driverAddress, long deviceAddress, int base, long features) {
    /** The largest queue there can be. */
    public static final int MAX_SIZE = 32768;

    /** Whether the format is the packed one. */
    public boolean packed() {
        return VirtioFeature.has(features, VirtioFeature.VIRTIO_F_RING_PACKED);
    }

    /** Whether each side may name the place at which it wants to be notified. */
    public boolean eventIdx() {
        return VirtioFeature.has(features, VirtioFeature.VIRTIO_F_EVENT_IDX);
    }

    /** Whether descriptors may refer to tables. */
    public boolean indirect() {
        return VirtioFeature.has(features, VirtioFeature.VIRTIO_F_INDIRECT_DESC);
    }

    /** Whether the driver relies on buffers being used in order, and understands batches. */
    public boolean inOrder() {
        return VirtioFeature.has(features, VirtioFeature.VIRTIO_F_IN_ORDER);
    }
}
