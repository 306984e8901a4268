package org.vportd.vhostuser.frontend;

import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_BACKEND_REQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIG;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_DEVICE_STATE;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_LOG_SHMFD;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_MQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_REPLY_ACK;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_RESET_DEVICE;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_STATUS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;

import org.vportd.vhostuser.protocol.FrontendRequest;

/** Whose habits a front-end has: which messages it sends, in which order, and what it wants acknowledged. */
public enum Manner {
    /** QEMU's vhost-user-test-device: memory by single regions, calls set up again after the start. */
    QEMU(mask(VHOST_USER_PROTOCOL_F_MQ)
            | mask(VHOST_USER_PROTOCOL_F_REPLY_ACK)
            | mask(VHOST_USER_PROTOCOL_F_BACKEND_REQ)
            | mask(VHOST_USER_PROTOCOL_F_CONFIG)
            | mask(VHOST_USER_PROTOCOL_F_RESET_DEVICE)
            | mask(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS)
            | mask(VHOST_USER_PROTOCOL_F_STATUS)
            | mask(VHOST_USER_PROTOCOL_F_LOG_SHMFD)
            | mask(VHOST_USER_PROTOCOL_F_DEVICE_STATE)),
    /**
     * User-mode Linux: everything acknowledged, calls through stream sockets, rings never asked for their base; kicks and
     * calls as messages if that is offered.
     */
    UML(mask(VHOST_USER_PROTOCOL_F_REPLY_ACK)
            | mask(VHOST_USER_PROTOCOL_F_BACKEND_REQ)
            | mask(VHOST_USER_PROTOCOL_F_CONFIG)
            | mask(VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS)),
    /** crosvm: nothing acknowledged, one queue after the other. */
    CROSVM(mask(VHOST_USER_PROTOCOL_F_MQ)
            | mask(VHOST_USER_PROTOCOL_F_REPLY_ACK)
            | mask(VHOST_USER_PROTOCOL_F_BACKEND_REQ)
            | mask(VHOST_USER_PROTOCOL_F_CONFIG)
            | mask(VHOST_USER_PROTOCOL_F_DEVICE_STATE)),
    /** Cloud Hypervisor: everything acknowledged, the back-end's channel last. */
    CLOUD_HYPERVISOR(mask(VHOST_USER_PROTOCOL_F_MQ)
            | mask(VHOST_USER_PROTOCOL_F_REPLY_ACK)
            | mask(VHOST_USER_PROTOCOL_F_BACKEND_REQ)
            | mask(VHOST_USER_PROTOCOL_F_CONFIG)
            | mask(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS)
            | mask(VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD)
            | mask(VHOST_USER_PROTOCOL_F_LOG_SHMFD)
            | mask(VHOST_USER_PROTOCOL_F_DEVICE_STATE));

    private final long protocolFeatures;

    Manner(long protocolFeatures) {
        this.protocolFeatures = protocolFeatures;
    }

    /** The protocol features it would take. */
    public long protocolFeatures() {
        return protocolFeatures;
    }

    /** Whether it wants a request acknowledged that has no reply of its own. */
    boolean needsReply(FrontendRequest request) {
        return switch (this) {
            case UML, CLOUD_HYPERVISOR -> true;
            case CROSVM -> false;
            case QEMU ->
                switch (request) {
                    case SET_MEM_TABLE,
                            ADD_MEM_REG,
                            REM_MEM_REG,
                            SET_BACKEND_REQ_FD,
                            SET_VRING_ENABLE,
                            SET_CONFIG,
                            SET_VRING_KICK,
                            SET_VRING_CALL,
                            SET_VRING_ERR -> true;
                    default -> false;
                };
        };
    }

    /** Whether it describes memory region by region, if the back-end can do that. */
    boolean addsRegions() {
        return this == QEMU;
    }

    /** Whether it has rings go on behind all that is available after a loss, served or not, unless they are in order. */
    boolean goesOnAtAvailable() {
        return this == CLOUD_HYPERVISOR;
    }

    /** Whether it kicks, and wants to be called, by messages where that was agreed upon; others acknowledge it blindly. */
    boolean notifiesInBand() {
        return this == UML;
    }

    /** Whether it hands over a stream socket for calls, instead of an eventfd. */
    boolean callsThroughSocket() {
        return this == UML;
    }
}
