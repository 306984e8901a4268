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
 */
public record BackendOptions(boolean status, boolean inband, boolean iommu, boolean guestAddresses) {
    /** Without the last two. */
    public BackendOptions(boolean status, boolean inband) {
        this(status, inband, false, false);
    }

    /** The same for drivers behind an IOMMU. */
    public BackendOptions withIommu() {
        return new BackendOptions(status, inband, true, guestAddresses);
    }

    /** The same for front-ends that do not tell their own addresses. */
    public BackendOptions withGuestAddresses() {
        return new BackendOptions(status, inband, iommu, true);
    }

    /** What works with every known front-end. */
    public static BackendOptions defaults() {
        return new BackendOptions(true, false);
    }
}
