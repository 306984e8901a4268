package org.vportd.vhostuser.frontend;

/**
 * How a simulated console driver is made.
 *
 * @param multiport whether it takes VIRTIO_CONSOLE_F_MULTIPORT
 * @param eventIdx whether it takes VIRTIO_F_EVENT_IDX
 * @param indirect whether it takes VIRTIO_F_INDIRECT_DESC
 * @param queueSize descriptors of each queue; up to 32768, and a power of two unless rings are packed
 * @param bufferBytes size of each buffer for data
 * @param extraBytes guest memory to be had from {@link ConsoleDriver#memory} besides
 * @param format what the rings are like
 * @param iommu whether it sits behind an IOMMU
 */
public record ConsoleOptions(
        boolean multiport,
        boolean eventIdx,
        boolean indirect,
        int queueSize,
        int bufferBytes,
        long extraBytes,
        RingFormat format,
        boolean iommu) {
    /** What Linux does: all features, pages as buffers, queues of 256. */
    public static ConsoleOptions linux() {
        return new ConsoleOptions(true, true, true, 256, 4096, 1 << 20, RingFormat.SPLIT, false);
    }

    /** The same without ports and control queues. */
    public ConsoleOptions singlePort() {
        return new ConsoleOptions(false, eventIdx, indirect, queueSize, bufferBytes, extraBytes, format, iommu);
    }

    /** The same without event indexes. */
    public ConsoleOptions withoutEventIdx() {
        return new ConsoleOptions(multiport, false, indirect, queueSize, bufferBytes, extraBytes, format, iommu);
    }

    /** The same with queues of another size. */
    public ConsoleOptions withQueueSize(int size) {
        return new ConsoleOptions(multiport, eventIdx, indirect, size, bufferBytes, extraBytes, format, iommu);
    }

    /** The same with buffers of another size. */
    public ConsoleOptions withBufferBytes(int bytes) {
        return new ConsoleOptions(multiport, eventIdx, indirect, queueSize, bytes, extraBytes, format, iommu);
    }

    /** The same with more memory. */
    public ConsoleOptions withExtraBytes(long bytes) {
        return new ConsoleOptions(multiport, eventIdx, indirect, queueSize, bufferBytes, bytes, format, iommu);
    }

    /** The same with rings of another format. */
    public ConsoleOptions withFormat(RingFormat other) {
        return new ConsoleOptions(multiport, eventIdx, indirect, queueSize, bufferBytes, extraBytes, other, iommu);
    }

    /** The same behind an IOMMU. */
    public ConsoleOptions withIommu() {
        return new ConsoleOptions(multiport, eventIdx, indirect, queueSize, bufferBytes, extraBytes, format, true);
    }
}
