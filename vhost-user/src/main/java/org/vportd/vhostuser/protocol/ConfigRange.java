package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;

/**
 * A part of configuration space (vhost-user "Virtio device config space").
 *
 * <table>
 * <caption>12 + n bytes</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>4</td><td>offset</td></tr>
 * <tr><td>4</td><td>4</td><td>size n</td></tr>
 * <tr><td>8</td><td>4</td><td>flags; implementations do not agree on their meaning, so nothing depends on them</td></tr>
 * <tr><td>12</td><td>n</td><td>bytes</td></tr>
 * </table>
 */
public final class ConfigRange {
    /** Bytes before the contents. */
    public static final int HEADER_LENGTH = 12;
    /** The end of the largest configuration space. */
    public static final int MAX_CONFIG_BYTES = 256;
    /** The largest flag value any front-end uses. */
    private static final int MAX_FLAGS = 2;

    private final int offset;
    private final int flags;
    private final byte[] bytes;

    /**
     * Makes a range of the given contents, which are not copied.
     *
     * @param offset where it begins; offset and length lie within {@link #MAX_CONFIG_BYTES}
     */
    public ConfigRange(int offset, int flags, byte[] bytes) {
        if (offset < 0 || offset > MAX_CONFIG_BYTES - bytes.length) {
            throw new IllegalArgumentException("configuration range: offset=" + offset + " size=" + bytes.length);
        }
        this.offset = offset;
        this.flags = flags;
        this.bytes = bytes;
    }

    /** Reads the payload of a request, or of a reply that is no error. */
    public static ConfigRange decode(ByteBuffer from) throws VhostUserRequestException {
        PayloadCheck.atLeast("configuration range", from, HEADER_LENGTH);
        int offset = from.getInt();
        int size = from.getInt();
        int flags = from.getInt();
        if (size != from.remaining()
                || offset < 0
                || offset > MAX_CONFIG_BYTES - size
                || flags < 0
                || flags > MAX_FLAGS) {
            throw new VhostUserRequestException("configuration range is bad: offset=" + Integer.toUnsignedString(offset)
                    + " size=" + Integer.toUnsignedString(size) + " flags=" + flags + " payload="
                    + (from.remaining() + HEADER_LENGTH));
        }
        byte[] bytes = new byte[size];
        from.get(bytes);
        return new ConfigRange(offset, flags, bytes);
    }

    /** Writes the payload. */
    public void encode(ByteBuffer to) {
        to.putInt(offset).putInt(bytes.length).putInt(flags).put(bytes);
    }

    /** Bytes of the whole payload. */
    public int length() {
        return HEADER_LENGTH + bytes.length;
    }

    /** Where the contents begin. Range: 0 to {@link #MAX_CONFIG_BYTES}. */
    public int offset() {
        return offset;
    }

    /** Bytes of the contents. */
    public int size() {
        return bytes.length;
    }

    /** The flags as they came; to be sent back unchanged. */
    public int flags() {
        return flags;
    }

    /** The contents themselves, not a copy. */
    public byte[] bytes() {
        return bytes;
    }

    /** The same range with other contents: the reply to GET_CONFIG. */
    public ConfigRange withBytes(byte[] contents) {
        return new ConfigRange(offset, flags, contents);
    }
}
