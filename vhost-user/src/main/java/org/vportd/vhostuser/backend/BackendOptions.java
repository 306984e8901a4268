package org.vportd.vhostuser.backend;

/**
 * What a back-end offers beyond what every front-end gets.
 *
 * @param status whether VHOST_USER_PROTOCOL_F_STATUS is offered
 * @param inband whether VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS is offered; some front-ends acknowledge it without
 *     knowing it, so only for those that are known to
 */
public record BackendOptions(boolean status, boolean inband) {
    /** What works with every known front-end. */
    public static BackendOptions defaults() {
        return new BackendOptions(true, false);
    }
}
