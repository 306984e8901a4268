package org.vportd.vhostuser.backend;

/**
 * What a back-end offers beyond what every front-end gets.
 *
 * @param status whether VHOST_USER_PROTOCOL_F_STATUS is offered
 * @param inband whether VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS is offered; some front-ends acknowledge it without
 *     knowing it, so only for those that are known to
 * @param iommu whether VIRTIO_F_ACCESS_PLATFORM is offered: the driver may sit behind an IOMMU, and then the front-end tells
 *     how its addresses are translated
 * @param guestAddresses whether VHOST_USER_PROTOCOL_F_GPA_ADDRESSES is offered
 * @param handover whether sessions can be handed over to another process, for which they keep the descriptors of their memory
 */
public record BackendOptions(boolean status, boolean inband, boolean iommu, boolean guestAddresses, boolean handover) {
    /** Without the others. */
    public BackendOptions(boolean status, boolean inband) {
        this(status, inband, false, false, false);
    }

    /** The same with sessions that can be handed over. */
    public BackendOptions withHandover(boolean on) {
        return new BackendOptions(status, inband, iommu, guestAddresses, on);
    }

    /** The same for drivers behind an IOMMU. */
    public BackendOptions withIommu() {
        return new BackendOptions(status, inband, true, guestAddresses, handover);
    }

    /** The same for front-ends that do not tell their own addresses. */
    public BackendOptions withGuestAddresses() {
        return new BackendOptions(status, inband, iommu, true, handover);
    }

    /** What works with every known front-end. */
    public static BackendOptions defaults() {
        return new BackendOptions(true, false);
    }
}
