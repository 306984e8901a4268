package org.vportd.vhostuser.backend;

import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_F_LOG_ALL;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_F_PROTOCOL_FEATURES;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_BACKEND_REQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIG;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_DEVICE_STATE;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_GPA_ADDRESSES;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_LOG_SHMFD;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_MQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_REPLY_ACK;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_RESET_DEVICE;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_STATUS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;

import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.ProtocolFeature;
import org.vportd.vhostuser.protocol.VhostUserProtocolException;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.virtio.VirtioDevice;
import org.vportd.virtio.VirtioFeature;

/** What a session offers of virtio features and of those of the protocol, and what the front-end has chosen of the latter. */
final class SessionFeatures {
    private static final long ACKNOWLEDGED_CHANNEL =
            mask(VHOST_USER_PROTOCOL_F_BACKEND_REQ) | mask(VHOST_USER_PROTOCOL_F_REPLY_ACK);

    private final VirtioDevice device;
    private final boolean offersIommu;
    private final long offeredProtocol;
    private long protocol;

    SessionFeatures(VirtioDevice device, BackendOptions options) {
        this.device = device;
        this.offersIommu = options.iommu();
        this.offeredProtocol = offer(options);
    }

    private static long offer(BackendOptions options) {
        return mask(VHOST_USER_PROTOCOL_F_MQ)
                | mask(VHOST_USER_PROTOCOL_F_LOG_SHMFD)
                | mask(VHOST_USER_PROTOCOL_F_REPLY_ACK)
                | mask(VHOST_USER_PROTOCOL_F_BACKEND_REQ)
                | mask(VHOST_USER_PROTOCOL_F_CONFIG)
                | mask(VHOST_USER_PROTOCOL_F_RESET_DEVICE)
                | mask(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS)
                | mask(VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD)
                | mask(VHOST_USER_PROTOCOL_F_DEVICE_STATE)
                | (options.status() ? mask(VHOST_USER_PROTOCOL_F_STATUS) : 0)
                | (options.guestAddresses() ? mask(VHOST_USER_PROTOCOL_F_GPA_ADDRESSES) : 0)
                | (options.inband() ? mask(VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS) : 0);
    }

    /** The virtio features on offer, with those that vhost-user keeps among them. */
    long offered() {
        return device.features()
                | mask(VHOST_F_LOG_ALL)
                | mask(VHOST_USER_F_PROTOCOL_FEATURES)
                | (offersIommu ? VirtioFeature.mask(VirtioFeature.VIRTIO_F_ACCESS_PLATFORM) : 0);
    }

    /** The protocol features on offer. */
    long offeredProtocol() {
        return offeredProtocol;
    }

    /** The protocol features in force. */
    long protocol() {
        return protocol;
    }

    /** Whether a protocol feature is in force. */
    boolean has(int protocolFeature) {
        return ProtocolFeature.has(protocol, protocolFeature);
    }

    /** Whether the feature is in force that a request belongs to; questions are answered before that, too. */
    boolean allows(FrontendRequest request) {
        return request.isAllowedBy(isQuestion(request) ? offeredProtocol : protocol);
    }

    /** What some front-ends ask before they have negotiated the feature that the question belongs to. */
    private static boolean isQuestion(FrontendRequest request) {
        return request == FrontendRequest.GET_QUEUE_NUM || request == FrontendRequest.GET_MAX_MEM_SLOTS;
    }

    /**
     * Checks what the front-end has chosen of {@link #offered}.
     *
     * @throws VhostUserRequestException if it has chosen others, or some that need what was not agreed upon
     */
    void check(long features) throws VhostUserRequestException {
        if ((features & ~offered()) != 0) {
            throw new VhostUserRequestException("features were not offered: features=0x" + Long.toHexString(features)
                    + " offered=0x" + Long.toHexString(offered()));
        }
        if (VirtioFeature.has(features, VirtioFeature.VIRTIO_F_ACCESS_PLATFORM) && !hasAcknowledgedChannel(protocol)) {
            throw new VhostUserRequestException("an IOMMU needs BACKEND_REQ and REPLY_ACK: features=0x"
                    + Long.toHexString(features) + " protocol_features=0x" + Long.toHexString(protocol));
        }
    }

    /**
     * Puts protocol features in force.
     *
     * @throws VhostUserRequestException if some were not on offer
     * @throws VhostUserProtocolException if the session cannot go on with them
     */
    void setProtocol(long features) throws VhostUserRequestException, VhostUserProtocolException {
        if ((features & ~offeredProtocol) != 0) {
            throw new VhostUserRequestException("protocol features were not offered: features=0x"
                    + Long.toHexString(features) + " offered=0x" + Long.toHexString(offeredProtocol));
        }
        if (ProtocolFeature.has(features, VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS)
                && !hasAcknowledgedChannel(features)) {
            throw new VhostUserProtocolException(
                    "in-band notifications need BACKEND_REQ and REPLY_ACK: features=0x" + Long.toHexString(features));
        }
        protocol = features;
    }

    private static boolean hasAcknowledgedChannel(long features) {
        return (features & ACKNOWLEDGED_CHANNEL) == ACKNOWLEDGED_CHANNEL;
    }
}
