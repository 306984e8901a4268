package org.vportd.virtio.queue;

/**
 * Where a ring lies and how it is to be served. The addresses are those of this process and cover the whole part each.
 *
 * @param size the number of descriptors; range 1 to 32768, a power of two for split rings
 * @param descriptorAddress the descriptor table, or the packed descriptor ring
 * @param driverAddress the driver area: the available ring, or the driver's event suppression
 * @param deviceAddress the device area: the used ring, or the device's event suppression
 * @param base where to go on, as the front-end gives it: the next available index, or as {@link PackedLayout} has it
 * @param features what was negotiated
 */
public record QueueConfig(
        int size, long descriptorAddress, long driverAddress, long deviceAddress, int base, RingFeatures features) {
    /** The largest queue there can be. */
    public static final int MAX_SIZE = 32768;
}
