package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;

/**
 * The number that goes with the descriptor of a kick, call or err: bits 0-7 the ring, bit 8 "no descriptor" (vhost-user
 * "Front-end message types", SET_VRING_KICK).
 *
 * @param index the ring; range 0 to 255
 * @param noFd whether no descriptor is attached
 */
public record VringFd(int index, boolean noFd) {
    /** Bytes on the wire. */
    public static final int LENGTH = 8;

    private static final int INDEX_MASK = 0xff;
    private static final int NO_FD = 0x100;

    /** Reads a payload. */
    public static VringFd decode(ByteBuffer from) throws VhostUserRequestException {
        PayloadCheck.length("vring descriptor", from, LENGTH);
        long value = from.getLong();
        return new VringFd((int) value & INDEX_MASK, (value & NO_FD) != 0);
    }

    /** Writes the payload. */
    public void encode(ByteBuffer to) {
        to.putLong((noFd ? NO_FD : 0) | index);
    }

    /**
     * Checks the descriptors that came along: one, or none with the bit.
     *
     * @throws VhostUserRequestException if bit and descriptors contradict each other
     */
    public VringFd checkDescriptors(int count) throws VhostUserRequestException {
        if (count != (noFd ? 0 : 1)) {
            throw new VhostUserRequestException(
                    "vring descriptor count is wrong: index=" + index + " no_fd=" + noFd + " descriptors=" + count);
        }
        return this;
    }
}
