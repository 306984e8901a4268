package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;

/**
 * A ring and a number: its size, its base, whether it is enabled (vhost-user "A vring state description").
 *
 * <table>
 * <caption>8 bytes</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>4</td><td>index</td></tr>
 * <tr><td>4</td><td>4</td><td>num</td></tr>
 * </table>
 *
 * @param index the ring; unsigned on the wire, so what is beyond every ring may be negative here
 * @param num the number; unsigned likewise
 */
public record VringState(int index, int num) {
    /** Bytes on the wire. */
    public static final int LENGTH = 8;

    /** Reads a payload. */
    public static VringState decode(ByteBuffer from) throws VhostUserRequestException {
        PayloadCheck.length("vring state", from, LENGTH);
        return new VringState(from.getInt(), from.getInt());
    }

    /** Writes the payload. */
    public void encode(ByteBuffer to) {
        to.putInt(index).putInt(num);
    }

    /**
     * The value of SET_VRING_ENABLE.
     *
     * @throws VhostUserRequestException if it is neither 0 nor 1
     */
    public boolean enable() throws VhostUserRequestException {
        if (num != 0 && num != 1) {
            throw new VhostUserRequestException("vring enable is neither 0 nor 1: index=" + index + " num=" + num);
        }
        return num == 1;
    }
}
