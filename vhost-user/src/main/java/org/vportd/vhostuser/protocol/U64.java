package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;

/**
 * A single 64-bit number: feature sets, status, acknowledgements (vhost-user "A single 64-bit integer").
 *
 * @param value its bits
 */
public record U64(long value) {
    /** Bytes on the wire. */
    public static final int LENGTH = 8;
    /** The acknowledgement of a request that took effect. */
    public static final U64 OK = new U64(0);
    /** The acknowledgement of a request that was refused. */
    public static final U64 REFUSED = new U64(1);

    /** Reads a payload. */
    public static U64 decode(ByteBuffer from) throws VhostUserRequestException {
        PayloadCheck.length("64-bit payload", from, LENGTH);
        return new U64(from.getLong());
    }

    /** Writes the payload. */
    public void encode(ByteBuffer to) {
        to.putLong(value);
    }
}
