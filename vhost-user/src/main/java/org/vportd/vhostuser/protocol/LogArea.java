package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;

/**
 * The dirty log: the payload of SET_LOG_BASE (vhost-user "Log description").
 *
 * <table>
 * <caption>16 bytes</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>8</td><td>size of the area</td></tr>
 * <tr><td>8</td><td>8</td><td>mmap offset</td></tr>
 * </table>
 *
 * @param sizeBytes its length; range 0 to 2^63 - 1
 * @param mmapOffset where it begins in the file
 */
public record LogArea(long sizeBytes, long mmapOffset) {
    /** Bytes on the wire. */
    public static final int LENGTH = 16;

    /** Reads a payload. */
    public static LogArea decode(ByteBuffer from) throws VhostUserRequestException {
        PayloadCheck.length("log description", from, LENGTH);
        LogArea area = new LogArea(from.getLong(), from.getLong());
        if (area.sizeBytes < 0 || area.mmapOffset < 0 || area.mmapOffset > Long.MAX_VALUE - area.sizeBytes) {
            throw new VhostUserRequestException("log is out of range: size=0x" + Long.toHexString(area.sizeBytes)
                    + " mmap_offset=0x" + Long.toHexString(area.mmapOffset));
        }
        return area;
    }

    /** Writes the payload. */
    public void encode(ByteBuffer to) {
        to.putLong(sizeBytes).putLong(mmapOffset);
    }
}
