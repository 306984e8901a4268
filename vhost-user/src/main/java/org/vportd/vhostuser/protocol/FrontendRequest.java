package org.vportd.vhostuser.protocol;

import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_BACKEND_REQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIG;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CROSS_ENDIAN;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CRYPTO_SESSION;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_DEVICE_STATE;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_LOG_SHMFD;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_MQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_MTU;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_PAGEFAULT;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_RARP;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_RESET_DEVICE;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_SHARED_OBJECT;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_SHMEM;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_STATUS;

import org.jspecify.annotations.Nullable;

/**
 * The requests of the front-end (vhost-user "Front-end message types"): number, size of the payload, descriptors, whether
 * there is a reply besides the acknowledgement, and the protocol feature without which it may not be sent.
 */
public enum FrontendRequest {
    /** The virtio features offered. */
    GET_FEATURES(1, 0, Fds.NONE, Reply.OWN),
    /** The virtio features chosen. */
    SET_FEATURES(2, U64.LENGTH, Fds.NONE, Reply.ACK),
    /** The session begins. */
    SET_OWNER(3, 0, Fds.NONE, Reply.ACK),
    /** Deprecated; disables all rings. */
    RESET_OWNER(4, 0, Fds.NONE, Reply.ACK),
    /** All memory regions, a {@link MemoryTable}. */
    SET_MEM_TABLE(
            5,
            MemoryTable.HEADER_LENGTH + RegionDescription.LENGTH,
            MessageHeader.MAX_PAYLOAD_BYTES,
            Fds.PER_REGION,
            Reply.ACK,
            FrontendRequest.NO_FEATURE),
    /** The dirty log, a {@link LogArea}. */
    SET_LOG_BASE(6, LogArea.LENGTH, Fds.ONE, Reply.OWN, VHOST_USER_PROTOCOL_F_LOG_SHMFD),
    /** Who is told of writes to the log. */
    SET_LOG_FD(7, 0, Fds.ONE, Reply.ACK),
    /** The size of a ring, a {@link VringState}. */
    SET_VRING_NUM(8, VringState.LENGTH, Fds.NONE, Reply.ACK),
    /** Where a ring lies, a {@link VringAddress}. */
    SET_VRING_ADDR(9, VringAddress.LENGTH, Fds.NONE, Reply.ACK),
    /** Where a ring goes on, a {@link VringState}. */
    SET_VRING_BASE(10, VringState.LENGTH, Fds.NONE, Reply.ACK),
    /** Stops a ring and asks where it came to, a {@link VringState} both ways. */
    GET_VRING_BASE(11, VringState.LENGTH, Fds.NONE, Reply.OWN),
    /** The kick of a ring, a {@link VringFd}. */
    SET_VRING_KICK(12, VringFd.LENGTH, Fds.OPTIONAL, Reply.ACK),
    /** The call of a ring, a {@link VringFd}. */
    SET_VRING_CALL(13, VringFd.LENGTH, Fds.OPTIONAL, Reply.ACK),
    /** Where errors of a ring are told, a {@link VringFd}. */
    SET_VRING_ERR(14, VringFd.LENGTH, Fds.OPTIONAL, Reply.ACK),
    /** The protocol features offered. */
    GET_PROTOCOL_FEATURES(15, 0, Fds.NONE, Reply.OWN),
    /** The protocol features chosen; in force for the acknowledgement of this very message. */
    SET_PROTOCOL_FEATURES(16, U64.LENGTH, Fds.NONE, Reply.ACK),
    /** The number of queues. */
    GET_QUEUE_NUM(17, 0, Fds.NONE, Reply.OWN, VHOST_USER_PROTOCOL_F_MQ),
    /** Enables or disables a ring, a {@link VringState}. */
    SET_VRING_ENABLE(18, VringState.LENGTH, Fds.NONE, Reply.ACK),
    /** Network only. */
    SEND_RARP(19, U64.LENGTH, Fds.NONE, Reply.ACK, VHOST_USER_PROTOCOL_F_RARP),
    /** Network only. */
    NET_SET_MTU(20, U64.LENGTH, Fds.NONE, Reply.ACK, VHOST_USER_PROTOCOL_F_MTU),
    /** The channel for requests of the back-end. */
    SET_BACKEND_REQ_FD(21, 0, Fds.ONE, Reply.ACK, VHOST_USER_PROTOCOL_F_BACKEND_REQ),
    /** Translations of an IOMMU. */
    IOTLB_MSG(22, 32, Fds.NONE, Reply.OWN),
    /** Legacy devices only. */
    SET_VRING_ENDIAN(23, VringState.LENGTH, Fds.NONE, Reply.ACK, VHOST_USER_PROTOCOL_F_CROSS_ENDIAN),
    /** Reads configuration space, a {@link ConfigRange} both ways; an empty reply is an error. */
    GET_CONFIG(
            24,
            ConfigRange.HEADER_LENGTH,
            ConfigRange.HEADER_LENGTH + ConfigRange.MAX_CONFIG_BYTES,
            Fds.NONE,
            Reply.OWN,
            VHOST_USER_PROTOCOL_F_CONFIG),
    /** Writes configuration space, a {@link ConfigRange}. */
    SET_CONFIG(
            25,
            ConfigRange.HEADER_LENGTH,
            ConfigRange.HEADER_LENGTH + ConfigRange.MAX_CONFIG_BYTES,
            Fds.NONE,
            Reply.ACK,
            VHOST_USER_PROTOCOL_F_CONFIG),
    /** Crypto devices only. */
    CREATE_CRYPTO_SESSION(
            26, 0, MessageHeader.MAX_PAYLOAD_BYTES, Fds.NONE, Reply.OWN, VHOST_USER_PROTOCOL_F_CRYPTO_SESSION),
    /** Crypto devices only. */
    CLOSE_CRYPTO_SESSION(
            27, 0, MessageHeader.MAX_PAYLOAD_BYTES, Fds.NONE, Reply.ACK, VHOST_USER_PROTOCOL_F_CRYPTO_SESSION),
    /** Migration by page faults. */
    POSTCOPY_ADVISE(28, 0, Fds.NONE, Reply.OWN, VHOST_USER_PROTOCOL_F_PAGEFAULT),
    /** Migration by page faults. */
    POSTCOPY_LISTEN(29, 0, Fds.NONE, Reply.ACK, VHOST_USER_PROTOCOL_F_PAGEFAULT),
    /** Migration by page faults. */
    POSTCOPY_END(30, 0, Fds.NONE, Reply.OWN, VHOST_USER_PROTOCOL_F_PAGEFAULT),
    /** Asks for memory in which chains in flight are noted, an {@link InflightArea} both ways. */
    GET_INFLIGHT_FD(
            31,
            InflightArea.SHORT_LENGTH,
            InflightArea.LENGTH,
            Fds.NONE,
            Reply.OWN,
            VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD),
    /** Gives that memory back, an {@link InflightArea}. */
    SET_INFLIGHT_FD(
            32,
            InflightArea.SHORT_LENGTH,
            InflightArea.LENGTH,
            Fds.ONE,
            Reply.ACK,
            VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD),
    /** Graphics only. */
    GPU_SET_SOCKET(33, 0, Fds.ONE, Reply.ACK),
    /** Resets the device, not the session. */
    RESET_DEVICE(34, 0, Fds.NONE, Reply.ACK, VHOST_USER_PROTOCOL_F_RESET_DEVICE),
    /** A kick, a {@link VringState}. */
    VRING_KICK(35, VringState.LENGTH, Fds.NONE, Reply.ACK, VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS),
    /** How many memory regions there can be. */
    GET_MAX_MEM_SLOTS(36, 0, Fds.NONE, Reply.OWN, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS),
    /** A memory region comes, a single {@link RegionDescription}. */
    ADD_MEM_REG(37, RegionDescription.SINGLE_LENGTH, Fds.ONE, Reply.ACK, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS),
    /** A memory region goes, a single {@link RegionDescription}. */
    REM_MEM_REG(38, RegionDescription.SINGLE_LENGTH, Fds.NONE, Reply.ACK, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS),
    /** Sets the virtio device status. */
    SET_STATUS(39, U64.LENGTH, Fds.NONE, Reply.ACK, VHOST_USER_PROTOCOL_F_STATUS),
    /** Asks for the virtio device status. */
    GET_STATUS(40, 0, Fds.NONE, Reply.OWN, VHOST_USER_PROTOCOL_F_STATUS),
    /** Objects of other devices. */
    GET_SHARED_OBJECT(41, 16, Fds.NONE, Reply.OWN, VHOST_USER_PROTOCOL_F_SHARED_OBJECT),
    /** Saves or loads the state of the device, a {@link DeviceStateTransfer}. */
    SET_DEVICE_STATE_FD(42, DeviceStateTransfer.LENGTH, Fds.ONE, Reply.OWN, VHOST_USER_PROTOCOL_F_DEVICE_STATE),
    /** Asks how that went. */
    CHECK_DEVICE_STATE(43, 0, Fds.NONE, Reply.OWN, VHOST_USER_PROTOCOL_F_DEVICE_STATE),
    /** Shared memory regions of the device. */
    GET_SHMEM_CONFIG(44, 0, Fds.NONE, Reply.OWN, VHOST_USER_PROTOCOL_F_SHMEM);

    /** {@link #protocolFeature()} of a request that needs none. */
    public static final int NO_FEATURE = -1;

    private static final @Nullable FrontendRequest[] BY_ID = new @Nullable FrontendRequest[GET_SHMEM_CONFIG.id + 1];

    static {
        for (FrontendRequest request : values()) {
            BY_ID[request.id] = request;
        }
    }

    /** The descriptors that come with a request. */
    public enum Fds {
        /** None is used; what comes all the same is closed. */
        NONE,
        /** Exactly one. */
        ONE,
        /** One or none, as {@link VringFd} says. */
        OPTIONAL,
        /** As many as there are regions in the {@link MemoryTable}. */
        PER_REGION
    }

    /** How a request is answered. */
    public enum Reply {
        /** With an acknowledgement if it asks for it and REPLY_ACK was negotiated, otherwise not at all. */
        ACK,
        /** Always, with a payload of its own. */
        OWN
    }

    private final int id;
    private final int minPayloadBytes;
    private final int maxPayloadBytes;
    private final Fds fds;
    private final Reply reply;
    private final int feature;

    FrontendRequest(int id, int payloadBytes, Fds fds, Reply reply) {
        this(id, payloadBytes, payloadBytes, fds, reply, -1);
    }

    FrontendRequest(int id, int payloadBytes, Fds fds, Reply reply, int feature) {
        this(id, payloadBytes, payloadBytes, fds, reply, feature);
    }

    FrontendRequest(int id, int minPayloadBytes, int maxPayloadBytes, Fds fds, Reply reply, int feature) {
        this.id = id;
        this.minPayloadBytes = minPayloadBytes;
        this.maxPayloadBytes = maxPayloadBytes;
        this.fds = fds;
        this.reply = reply;
        this.feature = feature;
    }

    /** The request of a number, or null if there is none. */
    public static @Nullable FrontendRequest of(int id) {
        return id < 0 || id >= BY_ID.length ? null : BY_ID[id];
    }

    /** The number in the header. */
    public int id() {
        return id;
    }

    /** The descriptors that come with it. */
    public Fds fds() {
        return fds;
    }

    /** Whether it is always answered, with a payload of its own. */
    public boolean hasOwnReply() {
        return reply == Reply.OWN;
    }

    /** The number of the protocol feature it belongs to, or {@link #NO_FEATURE}. */
    public int protocolFeature() {
        return feature;
    }

    /** Whether a negotiated set of protocol features allows it. */
    public boolean isAllowedBy(long protocolFeatures) {
        return feature == NO_FEATURE || ProtocolFeature.has(protocolFeatures, feature);
    }

    /**
     * Checks the size of the payload and the number of descriptors, as far as they do not depend on its contents.
     *
     * @throws VhostUserRequestException if the request cannot be meant like this
     */
    public void check(int payloadBytes, int descriptors) throws VhostUserRequestException {
        if (payloadBytes < minPayloadBytes || payloadBytes > maxPayloadBytes) {
            throw new VhostUserRequestException("payload has a bad size: request=" + this + " size=" + payloadBytes
                    + " min=" + minPayloadBytes + " max=" + maxPayloadBytes);
        }
        boolean fits = switch (fds) {
            case NONE -> true; // the receiver closes them
            case ONE -> descriptors == 1;
            case OPTIONAL -> descriptors <= 1;
            case PER_REGION -> descriptors <= MemoryTable.MAX_REGIONS;
        };
        if (!fits) {
            throw new VhostUserRequestException("wrong number of descriptors: request=" + this + " expected=" + fds
                    + " descriptors=" + descriptors);
        }
    }
}
