package org.vportd.virtio.queue;

/**
 * Where a ring lies and how it is to be served. The addresses are those of this process and cover the whole part each.
 *
 * @param size the number of descriptors; range 1 to 32768, a power of two for split rings
 * @param descriptorAddress the descriptor table
 * @param driverAddress the driver area: the available ring
 * @param deviceAddress the device area: the used ring
 * @param base the next available index, as the front-end gives it
 * @param eventIdx whether VIRTIO_F_EVENT_IDX was negotiated
 * @param indirect whether VIRTIO_F_INDIRECT_DESC was negotiated
 */
public record QueueConfig(
        int size,
        long descriptorAddress,
        long driverAddress,
        long deviceAddress,
        int base,
        boolean eventIdx,
        boolean indirect) {
    /** The largest queue there can be. */
    public static final int MAX_SIZE = 32768;
}
