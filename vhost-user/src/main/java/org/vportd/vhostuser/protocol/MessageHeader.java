package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What every message begins with (vhost-user "Header").
 *
 * <table>
 * <caption>Header, 12 bytes</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>4</td><td>request</td></tr>
 * <tr><td>4</td><td>4</td><td>flags: bits 0-1 version, 2 reply, 3 need_reply</td></tr>
 * <tr><td>8</td><td>4</td><td>size of the payload that follows</td></tr>
 * </table>
 *
 * @param request the number of the request, see {@link FrontendRequest} and {@link BackendRequest}
 * @param flags version and flag bits
 * @param size bytes of payload
 */
public record MessageHeader(int request, int flags, int size) {
    /** Bytes of a header. */
    public static final int LENGTH = 12;
    /** The longest payload accepted; more can only come from a peer that is hostile or out of step. */
    public static final int MAX_PAYLOAD_BYTES = 4096;
    /** The two version bits of {@code flags}. */
    public static final int VERSION_MASK = 3;
    /** The only version there is. */
    public static final int VERSION = 1;
    /** In {@code flags}: this is the reply to an earlier request. */
    public static final int REPLY = 4;
    /** In {@code flags}: the sender waits for an acknowledgement. */
    public static final int NEED_REPLY = 8;
    /** The flags of a reply. Front-ends compare all of them. */
    public static final int REPLY_FLAGS = VERSION | REPLY;

    /** Makes a buffer in native order that holds the longest message. */
    public static ByteBuffer newBuffer() {
        return ByteBuffer.allocate(LENGTH + MAX_PAYLOAD_BYTES).order(ByteOrder.nativeOrder());
    }

    /** The header of a request. */
    public static MessageHeader request(int request, boolean needReply, int size) {
        return new MessageHeader(request, needReply ? VERSION | NEED_REPLY : VERSION, size);
    }

    /** The header of the reply to a request. */
    public static MessageHeader reply(int request, int size) {
        return new MessageHeader(request, REPLY_FLAGS, size);
    }

    /** Reads a header; the buffer has at least {@link #LENGTH} bytes left. Nothing is checked. */
    public static MessageHeader decode(ByteBuffer from) {
        return new MessageHeader(from.getInt(), from.getInt(), from.getInt());
    }

    /** Writes the header. */
    public void encode(ByteBuffer to) {
        to.putInt(request).putInt(flags).putInt(size);
    }

    /** Whether the sender asked for an acknowledgement; it gets one only if REPLY_ACK was negotiated. */
    public boolean needsReply() {
        return (flags & NEED_REPLY) != 0;
    }

    /**
     * Checks the header of a message that must be a request, before its payload is received.
     *
     * @throws VhostUserProtocolException if version, direction or size mean that the stream is not understood
     */
    public MessageHeader checkRequest() throws VhostUserProtocolException {
        if ((flags & VERSION_MASK) != VERSION || (flags & REPLY) != 0) {
            throw new VhostUserProtocolException("not a request of version 1: " + this);
        }
        checkSize();
        return this;
    }

    /**
     * Checks the header of a message that must be the reply to a request.
     *
     * @throws VhostUserProtocolException if it is anything else
     */
    public MessageHeader checkReplyTo(int awaited) throws VhostUserProtocolException {
        if (request != awaited || flags != REPLY_FLAGS) {
            throw new VhostUserProtocolException("not the reply awaited: awaited=" + awaited + " " + this);
        }
        checkSize();
        return this;
    }

    private void checkSize() throws VhostUserProtocolException {
        if (size < 0 || size > MAX_PAYLOAD_BYTES) {
            throw new VhostUserProtocolException("payload is too long: max=" + MAX_PAYLOAD_BYTES + " " + this);
        }
    }

    @Override
    public String toString() {
        return "request=" + request + " flags=0x" + Integer.toHexString(flags) + " size="
                + Integer.toUnsignedString(size);
    }
}
