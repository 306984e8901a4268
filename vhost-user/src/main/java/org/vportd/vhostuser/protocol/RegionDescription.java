package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;

/**
 * One memory region (vhost-user "Memory region description").
 *
 * <table>
 * <caption>32 bytes</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>8</td><td>guest address</td></tr>
 * <tr><td>8</td><td>8</td><td>size</td></tr>
 * <tr><td>16</td><td>8</td><td>user address</td></tr>
 * <tr><td>24</td><td>8</td><td>mmap offset</td></tr>
 * </table>
 *
 * @param guestAddress where it begins in the guest's physical address space
 * @param sizeBytes its length
 * @param userAddress where it begins in the front-end's address space
 * @param mmapOffset where it begins in the file
 */
public record RegionDescription(long guestAddress, long sizeBytes, long userAddress, long mmapOffset) {
    /** Bytes on the wire. */
    public static final int LENGTH = 32;
    /** Bytes of the payload of ADD_MEM_REG and REM_MEM_REG: 8 bytes of padding come first. */
    public static final int SINGLE_LENGTH = 8 + LENGTH;

    /** Reads one entry of a table; the buffer has at least {@link #LENGTH} bytes left. Nothing is checked. */
    public static RegionDescription decode(ByteBuffer from) {
        return new RegionDescription(from.getLong(), from.getLong(), from.getLong(), from.getLong());
    }

    /** Reads the payload of ADD_MEM_REG or REM_MEM_REG. Only the length is checked. */
    public static RegionDescription decodeSingle(ByteBuffer from) throws VhostUserRequestException {
        PayloadCheck.length("memory region", from, SINGLE_LENGTH);
        from.getLong();
        return decode(from);
    }

    /** Writes one entry of a table. */
    public void encode(ByteBuffer to) {
        to.putLong(guestAddress).putLong(sizeBytes).putLong(userAddress).putLong(mmapOffset);
    }

    /** Writes the payload of ADD_MEM_REG or REM_MEM_REG. */
    public void encodeSingle(ByteBuffer to) {
        to.putLong(0);
        encode(to);
    }

    /**
     * Checks that the region can exist: it is not empty, and none of its ranges runs past the end.
     *
     * @throws VhostUserRequestException if it cannot
     */
    public RegionDescription check() throws VhostUserRequestException {
        if (!PayloadCheck.isRange(guestAddress, sizeBytes)
                || !PayloadCheck.isRange(userAddress, sizeBytes)
                || mmapOffset < 0
                || mmapOffset > Long.MAX_VALUE - sizeBytes) {
            throw new VhostUserRequestException("memory region is out of range: " + this);
        }
        return this;
    }

    @Override
    public String toString() {
        return "guest=0x" + Long.toHexString(guestAddress) + " size=0x" + Long.toHexString(sizeBytes) + " user=0x"
                + Long.toHexString(userAddress) + " mmap_offset=0x" + Long.toHexString(mmapOffset);
    }
}
