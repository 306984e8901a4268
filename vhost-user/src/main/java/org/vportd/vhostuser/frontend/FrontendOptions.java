package org.vportd.vhostuser.frontend;

import java.time.Duration;

/**
 * How a front-end behaves.
 *
 * @param manner whose habits it has
 * @param protocolFeatures the protocol features it takes if they are offered
 * @param timeout how long any answer may take
 */
public record FrontendOptions(Manner manner, long protocolFeatures, Duration timeout) {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    /** The usual features of one manner, and ten seconds for an answer. */
    public static FrontendOptions of(Manner manner) {
        return new FrontendOptions(manner, manner.protocolFeatures(), TIMEOUT);
    }

    /** The same without one protocol feature. */
    public FrontendOptions without(int protocolFeature) {
        return new FrontendOptions(manner, protocolFeatures & ~(1L << protocolFeature), timeout);
    }

    /** The same with one protocol feature more. */
    public FrontendOptions with(int protocolFeature) {
        return new FrontendOptions(manner, protocolFeatures | (1L << protocolFeature), timeout);
    }

    /** The same with another limit for answers. */
    public FrontendOptions withTimeout(Duration limit) {
        return new FrontendOptions(manner, protocolFeatures, limit);
    }
}
