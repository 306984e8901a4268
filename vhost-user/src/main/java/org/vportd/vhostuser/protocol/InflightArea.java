package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;

/**
 * The memory in which chains in flight are noted (vhost-user "Inflight description").
 *
 * <table>
 * <caption>24 bytes; 20 without the tail padding are accepted</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>8</td><td>mmap size</td></tr>
 * <tr><td>8</td><td>8</td><td>mmap offset</td></tr>
 * <tr><td>16</td><td>2</td><td>number of queues</td></tr>
 * <tr><td>18</td><td>2</td><td>queue size</td></tr>
 * <tr><td>20</td><td>4</td><td>padding</td></tr>
 * </table>
 *
 * @param sizeBytes bytes of the area; 0 in the reply to GET_INFLIGHT_FD means that there is none
 * @param mmapOffset where it begins in the file
 * @param queues range 0 to 65535
 * @param queueSize range 0 to 65535
 */
public record InflightArea(long sizeBytes, long mmapOffset, int queues, int queueSize) {
    /** Bytes on the wire. */
    public static final int LENGTH = 24;
    /** Bytes without the tail padding. */
    public static final int SHORT_LENGTH = 20;

    /** Reads a payload. */
    public static InflightArea decode(ByteBuffer from) throws VhostUserRequestException {
        if (from.remaining() != SHORT_LENGTH) {
            PayloadCheck.length("inflight description", from, LENGTH);
        }
        InflightArea area = new InflightArea(
                from.getLong(),
                from.getLong(),
                Short.toUnsignedInt(from.getShort()),
                Short.toUnsignedInt(from.getShort()));
        if (area.sizeBytes < 0 || area.mmapOffset < 0 || area.mmapOffset > Long.MAX_VALUE - area.sizeBytes) {
            throw new VhostUserRequestException("inflight area is out of range: size=0x"
                    + Long.toHexString(area.sizeBytes) + " mmap_offset=0x" + Long.toHexString(area.mmapOffset));
        }
        return area;
    }

    /** Writes the payload in its long form. */
    public void encode(ByteBuffer to) {
        to.putLong(sizeBytes).putLong(mmapOffset).putShort((short) queues).putShort((short) queueSize);
        to.putInt(0);
    }
}
