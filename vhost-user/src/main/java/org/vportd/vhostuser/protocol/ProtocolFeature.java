package org.vportd.vhostuser.protocol;

/** Numbers of the protocol feature bits (vhost-user "Protocol features"), and of the two feature bits that are not virtio's. */
public final class ProtocolFeature {
    /** In the virtio feature set: the protocol features below can be negotiated; never shown to the driver. */
    public static final int VHOST_USER_F_PROTOCOL_FEATURES = 30;
    /** In the virtio feature set: pages written are to be logged; set and cleared while rings run. */
    public static final int VHOST_F_LOG_ALL = 26;

    /** GET_QUEUE_NUM is understood. */
    public static final int VHOST_USER_PROTOCOL_F_MQ = 0;
    /** The dirty log travels as a descriptor. */
    public static final int VHOST_USER_PROTOCOL_F_LOG_SHMFD = 1;
    /** Network only. */
    public static final int VHOST_USER_PROTOCOL_F_RARP = 2;
    /** Requests without a reply of their own are acknowledged if they ask for it. */
    public static final int VHOST_USER_PROTOCOL_F_REPLY_ACK = 3;
    /** Network only. */
    public static final int VHOST_USER_PROTOCOL_F_MTU = 4;
    /** There is a channel for requests of the back-end. */
    public static final int VHOST_USER_PROTOCOL_F_BACKEND_REQ = 5;
    /** Legacy devices only. */
    public static final int VHOST_USER_PROTOCOL_F_CROSS_ENDIAN = 6;
    /** Crypto devices only. */
    public static final int VHOST_USER_PROTOCOL_F_CRYPTO_SESSION = 7;
    /** Migration by page faults. */
    public static final int VHOST_USER_PROTOCOL_F_PAGEFAULT = 8;
    /** GET_CONFIG, SET_CONFIG and the notice of a change. */
    public static final int VHOST_USER_PROTOCOL_F_CONFIG = 9;
    /** The back-end may send descriptors. */
    public static final int VHOST_USER_PROTOCOL_F_BACKEND_SEND_FD = 10;
    /** Doorbells of hardware. */
    public static final int VHOST_USER_PROTOCOL_F_HOST_NOTIFIER = 11;
    /** Chains taken are noted in shared memory, for a back-end that crashes. */
    public static final int VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD = 12;
    /** RESET_DEVICE is understood. */
    public static final int VHOST_USER_PROTOCOL_F_RESET_DEVICE = 13;
    /** Kicks and calls are messages. */
    public static final int VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS = 14;
    /** Memory regions come and go one at a time. */
    public static final int VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS = 15;
    /** The virtio device status is transmitted. */
    public static final int VHOST_USER_PROTOCOL_F_STATUS = 16;
    /** Memory regions are described as Xen does. */
    public static final int VHOST_USER_PROTOCOL_F_XEN_MMAP = 17;
    /** Objects of other devices. */
    public static final int VHOST_USER_PROTOCOL_F_SHARED_OBJECT = 18;
    /** The state of the device can be saved and loaded. */
    public static final int VHOST_USER_PROTOCOL_F_DEVICE_STATE = 19;
    /** GET_VRING_BASE leaves chains in flight. */
    public static final int VHOST_USER_PROTOCOL_F_GET_VRING_BASE_INFLIGHT = 20;
    /** Ring addresses are guest-physical. */
    public static final int VHOST_USER_PROTOCOL_F_GPA_ADDRESSES = 21;
    /** Shared memory regions of the device. */
    public static final int VHOST_USER_PROTOCOL_F_SHMEM = 22;

    private ProtocolFeature() {}

    /** The set that contains one feature. */
    public static long mask(int bit) {
        return 1L << bit;
    }

    /** Whether a set contains a feature. */
    public static boolean has(long features, int bit) {
        return (features & mask(bit)) != 0;
    }
}
