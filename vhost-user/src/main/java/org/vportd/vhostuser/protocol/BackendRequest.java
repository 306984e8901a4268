package org.vportd.vhostuser.protocol;

import org.jspecify.annotations.Nullable;

/** The requests of the back-end (vhost-user "Back-end message types"). Each is acknowledged with a {@link U64} if it asks. */
public enum BackendRequest {
    /** Translations of an IOMMU. */
    IOTLB_MSG(1, 32),
    /** Configuration space has changed. */
    CONFIG_CHANGE_MSG(2, 0),
    /** Doorbells of hardware. */
    VRING_HOST_NOTIFIER_MSG(3, 24),
    /** A call, with INBAND_NOTIFICATIONS. */
    VRING_CALL(4, VringState.LENGTH),
    /** An error of a ring, with INBAND_NOTIFICATIONS. */
    VRING_ERR(5, VringState.LENGTH),
    /** A shared object comes. */
    SHARED_OBJECT_ADD(6, 16),
    /** A shared object goes. */
    SHARED_OBJECT_REMOVE(7, 16),
    /** A shared object is asked for. */
    SHARED_OBJECT_LOOKUP(8, 16),
    /** Shared memory of the device is mapped. */
    SHMEM_MAP(9, 40),
    /** Shared memory of the device is unmapped. */
    SHMEM_UNMAP(10, 40);

    private static final @Nullable BackendRequest[] BY_ID = new @Nullable BackendRequest[SHMEM_UNMAP.id + 1];

    static {
        for (BackendRequest request : values()) {
            BY_ID[request.id] = request;
        }
    }

    private final int id;
    private final int payloadBytes;

    BackendRequest(int id, int payloadBytes) {
        this.id = id;
        this.payloadBytes = payloadBytes;
    }

    /** The request of a number, or null if there is none. */
    public static @Nullable BackendRequest of(int id) {
        return id < 0 || id >= BY_ID.length ? null : BY_ID[id];
    }

    /** The number in the header. */
    public int id() {
        return id;
    }

    /** Bytes of the payload. */
    public int payloadBytes() {
        return payloadBytes;
    }
}
