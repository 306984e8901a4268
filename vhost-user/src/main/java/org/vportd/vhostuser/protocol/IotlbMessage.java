package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;

/**
 * A message about translations of an IOMMU, either way (vhost-user "An IOTLB message").
 *
 * <table>
 * <caption>32 bytes</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>8</td><td>I/O virtual address</td></tr>
 * <tr><td>8</td><td>8</td><td>size</td></tr>
 * <tr><td>16</td><td>8</td><td>user address</td></tr>
 * <tr><td>24</td><td>1</td><td>permission</td></tr>
 * <tr><td>25</td><td>1</td><td>type</td></tr>
 * <tr><td>26</td><td>6</td><td>padding</td></tr>
 * </table>
 *
 * @param iova the address that the driver uses
 * @param sizeBytes the length of the range
 * @param userAddress where it begins in the front-end's address space; in updates only
 * @param permission {@link #READ}, {@link #WRITE} or both
 * @param type {@link #MISS}, {@link #UPDATE}, {@link #INVALIDATE} or {@link #ACCESS_FAIL}
 */
public record IotlbMessage(long iova, long sizeBytes, long userAddress, int permission, int type) {
    /** Bytes on the wire. */
    public static final int LENGTH = 32;
    /** Permission to read. */
    public static final int READ = 1;
    /** Permission to write. */
    public static final int WRITE = 2;
    /** The back-end wants a translation. */
    public static final int MISS = 1;
    /** The front-end gives one. */
    public static final int UPDATE = 2;
    /** The front-end takes translations back. */
    public static final int INVALIDATE = 3;
    /** There is a translation, but it does not permit what is wanted. */
    public static final int ACCESS_FAIL = 4;

    private static final int PADDING = 6;

    /** A request for the translation of an address. */
    public static IotlbMessage miss(long iova, int permission) {
        return new IotlbMessage(iova, 1, 0, permission, MISS);
    }

    /** The translation of a range. */
    public static IotlbMessage update(long iova, long sizeBytes, long userAddress, int permission) {
        return new IotlbMessage(iova, sizeBytes, userAddress, permission, UPDATE);
    }

    /** The end of all translations in a range. */
    public static IotlbMessage invalidate(long iova, long sizeBytes) {
        return new IotlbMessage(iova, sizeBytes, 0, 0, INVALIDATE);
    }

    /** The notice that an access was not permitted. */
    public static IotlbMessage accessFail(long iova, int permission) {
        return new IotlbMessage(iova, 1, 0, permission, ACCESS_FAIL);
    }

    /** Reads a payload. Only the length is checked. */
    public static IotlbMessage decode(ByteBuffer from) throws VhostUserRequestException {
        PayloadCheck.length("IOTLB message", from, LENGTH);
        IotlbMessage message =
                new IotlbMessage(from.getLong(), from.getLong(), from.getLong(), from.get() & 0xff, from.get() & 0xff);
        from.position(from.position() + PADDING);
        return message;
    }

    /** Writes the payload. */
    public void encode(ByteBuffer to) {
        to.putLong(iova).putLong(sizeBytes).putLong(userAddress);
        to.put((byte) permission).put((byte) type).put(new byte[PADDING]);
    }

    /**
     * Checks that an update or an invalidation is one. An invalidation of size 0 is that of everything, which is what a
     * size of 2^64 comes down to.
     *
     * @throws VhostUserRequestException if it is not
     */
    public IotlbMessage check() throws VhostUserRequestException {
        boolean everything = type == INVALIDATE && sizeBytes == 0;
        if (!everything && (sizeBytes == 0 || Long.compareUnsigned(iova + (sizeBytes - 1), iova) < 0)) {
            throw new VhostUserRequestException("IOTLB message is out of range: " + this);
        }
        if (type == UPDATE && (sizeBytes < 0 || permission < READ || permission > (READ | WRITE))) {
            throw new VhostUserRequestException("IOTLB update has a bad size or permission: " + this);
        }
        return this;
    }

    @Override
    public String toString() {
        return "iova=0x" + Long.toHexString(iova) + " size=0x" + Long.toHexString(sizeBytes) + " user=0x"
                + Long.toHexString(userAddress) + " permission=" + permission + " type=" + type;
    }
}
