package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;
import org.vportd.virtio.queue.PackedLayout;
import org.vportd.virtio.queue.SplitLayout;

/**
 * Where the parts of a ring lie (vhost-user "A vring address description"). The used ring comes before the available one;
 * of a packed ring these are the event suppression of device and driver.
 *
 * <table>
 * <caption>40 bytes</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>4</td><td>index</td></tr>
 * <tr><td>4</td><td>4</td><td>flags: bit 0 log writes to the used ring</td></tr>
 * <tr><td>8</td><td>8</td><td>descriptor table</td></tr>
 * <tr><td>16</td><td>8</td><td>used ring</td></tr>
 * <tr><td>24</td><td>8</td><td>available ring</td></tr>
 * <tr><td>32</td><td>8</td><td>log address of the used ring</td></tr>
 * </table>
 *
 * @param index the ring; unsigned on the wire, so what is beyond every ring may be negative here
 * @param flags see {@link #isLogged}
 * @param descriptorAddress in the front-end's address space, like the next two
 * @param usedAddress the used ring
 * @param availAddress the available ring
 * @param logAddress guest-physical; means nothing unless {@link #isLogged}
 */
public record VringAddress(
        int index, int flags, long descriptorAddress, long usedAddress, long availAddress, long logAddress) {
    /** Bytes on the wire. */
    public static final int LENGTH = 40;
    /** Number of the flag bit that has writes to the used ring logged. */
    public static final int VHOST_VRING_F_LOG = 0;

    /** Reads a payload. */
    public static VringAddress decode(ByteBuffer from) throws VhostUserRequestException {
        PayloadCheck.length("vring address", from, LENGTH);
        return new VringAddress(
                from.getInt(), from.getInt(), from.getLong(), from.getLong(), from.getLong(), from.getLong());
    }

    /** Writes the payload. */
    public void encode(ByteBuffer to) {
        to.putInt(index).putInt(flags);
        to.putLong(descriptorAddress).putLong(usedAddress).putLong(availAddress).putLong(logAddress);
    }

    /** Whether writes to the used ring go to the dirty log. */
    public boolean isLogged() {
        return (flags & 1 << VHOST_VRING_F_LOG) != 0;
    }

    /**
     * Checks the alignment of the parts of a ring (Virtio 1.3 §2.7, §2.8).
     *
     * @param packed whether the ring is a packed one
     * @throws VhostUserRequestException if one is not aligned
     */
    public VringAddress checkAlignment(boolean packed) throws VhostUserRequestException {
        int available = packed ? PackedLayout.EVENT_ALIGNMENT : SplitLayout.AVAIL_ALIGNMENT;
        int used = packed ? PackedLayout.EVENT_ALIGNMENT : SplitLayout.USED_ALIGNMENT;
        if (descriptorAddress % SplitLayout.DESC_ALIGNMENT != 0
                || usedAddress % used != 0
                || availAddress % available != 0) {
            throw new VhostUserRequestException("vring is not aligned: " + this);
        }
        return this;
    }

    @Override
    public String toString() {
        return "index=" + index + " flags=" + flags + " descriptor=0x" + Long.toHexString(descriptorAddress)
                + " used=0x" + Long.toHexString(usedAddress) + " available=0x" + Long.toHexString(availAddress);
    }
}
