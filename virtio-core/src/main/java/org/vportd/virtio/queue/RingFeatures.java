package org.vportd.virtio.queue;

/**
 * The negotiated features that matter to rings.
 *
 * @param packed whether the format is the packed one
 * @param eventIdx whether each side may name the place at which it wants to be notified
 * @param indirect whether descriptors may refer to tables
 * @param inOrder whether the driver relies on buffers being used in order, and understands batches
 */
public record RingFeatures(boolean packed, boolean eventIdx, boolean indirect, boolean inOrder) {}
