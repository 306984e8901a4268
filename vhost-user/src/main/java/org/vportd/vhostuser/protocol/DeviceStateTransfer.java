package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;

/**
 * The way the state of the device goes through a descriptor (vhost-user "Device state transfer parameters").
 *
 * <table>
 * <caption>8 bytes</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>4</td><td>direction: 0 save, 1 load</td></tr>
 * <tr><td>4</td><td>4</td><td>phase: 0, all rings are stopped</td></tr>
 * </table>
 *
 * @param direction {@link #SAVE} or {@link #LOAD}
 */
public record DeviceStateTransfer(int direction) {
    /** Bytes on the wire. */
    public static final int LENGTH = 8;
    /** The back-end writes its state and closes. */
    public static final int SAVE = 0;
    /** The back-end reads its state to the end. */
    public static final int LOAD = 1;
    /** In the reply: no descriptor is attached to it; the front-end's own one is used. */
    public static final long REPLY_NO_FD = 0x100;

    /** Reads a payload. */
    public static DeviceStateTransfer decode(ByteBuffer from) throws VhostUserRequestException {
        PayloadCheck.length("device state transfer", from, LENGTH);
        int direction = from.getInt();
        int phase = from.getInt();
        if ((direction != SAVE && direction != LOAD) || phase != 0) {
            throw new VhostUserRequestException(
                    "device state transfer is unknown: direction=" + direction + " phase=" + phase);
        }
        return new DeviceStateTransfer(direction);
    }

    /** Writes the payload. */
    public void encode(ByteBuffer to) {
        to.putInt(direction).putInt(0);
    }
}
