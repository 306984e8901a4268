package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The checks that all payloads share. */
final class PayloadCheck {
    private PayloadCheck() {}

    /** The payload has exactly the length of its layout, and the buffer the byte order. */
    static void length(String what, ByteBuffer payload, int lengthBytes) throws VhostUserRequestException {
        atLeast(what, payload, lengthBytes);
        if (payload.remaining() != lengthBytes) {
            throw new VhostUserRequestException(
                    what + " has a bad size: size=" + payload.remaining() + " expected=" + lengthBytes);
        }
    }

    /** The payload has at least the length of its layout, and the buffer the byte order. */
    static void atLeast(String what, ByteBuffer payload, long lengthBytes) throws VhostUserRequestException {
        if (payload.order() != ByteOrder.nativeOrder()) {
            throw new IllegalArgumentException("payload is not in native order");
        }
        if (payload.remaining() < lengthBytes) {
            throw new VhostUserRequestException(
                    what + " is too short: size=" + payload.remaining() + " expected=" + lengthBytes);
        }
    }

    /** A non-empty range that does not run past the end of a 64-bit address space. */
    static boolean isRange(long start, long sizeBytes) {
        return sizeBytes > 0 && Long.compareUnsigned(start + (sizeBytes - 1), start) >= 0;
    }
}
