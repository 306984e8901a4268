package org.vportd.vhostuser.frontend;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;
import org.vportd.posix.Fd;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.MessageHeader;
import org.vportd.vhostuser.protocol.U64;
import org.vportd.vhostuser.protocol.VhostUserRequestException;

/**
 * The messages of a front-end on its connection: requests, and the replies and acknowledgements that it waits for. Descriptors
 * that are sent stay the caller's.
 */
public final class FrontendMessages {
    private final FrontendStream stream;
    private final Manner manner;
    private boolean acknowledged;

    /** Speaks over a connection, which it owns from here on. */
    FrontendMessages(Fd connection, FrontendOptions options) {
        this.stream = new FrontendStream(connection, options.timeout().toNanos());
        this.manner = options.manner();
    }

    /** The connection, still owned by this object. */
    Fd connection() {
        return stream.fd();
    }

    /** Whether the back-end acknowledges requests from here on, if it is asked to. */
    void setAcknowledged(boolean agreed) {
        acknowledged = agreed;
    }

    /** Sends a request that consists of its number alone. */
    void send(FrontendRequest request) throws IOException {
        send(request, FrontendMessages::nothing);
    }

    /** Sends a request without descriptors. */
    void send(FrontendRequest request, Consumer<ByteBuffer> payload) throws IOException {
        send(request, payload, List.of());
    }

    /**
     * Sends a request that has no reply of its own, and waits for its acknowledgement if the manner asks for one.
     *
     * @throws FrontendException if it is refused
     */
    public void send(FrontendRequest request, Consumer<ByteBuffer> payload, List<Fd> descriptors) throws IOException {
        boolean wanted = manner.needsReply(request);
        post(request.id(), wanted, payload, descriptors);
        if (wanted && acknowledged) {
            long result = u64(request, reply(request.id()));
            if (result != 0) {
                throw new FrontendException("back-end refused: request=" + request + " result=" + result);
            }
        }
    }

    /** Sends any message at all, and waits for nothing. */
    public void post(int request, boolean needReply, Consumer<ByteBuffer> payload, List<Fd> descriptors)
            throws IOException {
        ByteBuffer message = MessageHeader.newBuffer();
        message.position(MessageHeader.LENGTH);
        payload.accept(message);
        int size = message.position() - MessageHeader.LENGTH;
        message.flip();
        MessageHeader.request(request, needReply, size).encode(message);
        stream.send(message.rewind(), descriptors);
    }

    /** Asks for a number. */
    long query(FrontendRequest request) throws IOException {
        return query(request, FrontendMessages::nothing, List.of());
    }

    /** Sends a request whose reply is a number, and answers that. */
    long query(FrontendRequest request, Consumer<ByteBuffer> payload, List<Fd> descriptors) throws IOException {
        post(request.id(), false, payload, descriptors);
        return u64(request, reply(request.id()));
    }

    /** Sends a request and answers the payload of the reply that it always has. */
    ByteBuffer exchange(FrontendRequest request, Consumer<ByteBuffer> payload) throws IOException {
        post(request.id(), false, payload, List.of());
        return reply(request.id());
    }

    /**
     * Sends a request and answers the payload of a reply that may bring descriptors.
     *
     * @param received gets them, also if this fails; they are the caller's
     */
    ByteBuffer exchangeForDescriptors(FrontendRequest request, Consumer<ByteBuffer> payload, List<Fd> received)
            throws IOException {
        post(request.id(), false, payload, List.of());
        ByteBuffer reply = stream.receive(received);
        MessageHeader.decode(reply).checkReplyTo(request.id());
        return reply;
    }

    /** Waits for the reply to a request and answers its payload. */
    public ByteBuffer reply(int request) throws IOException {
        ByteBuffer reply = stream.receive();
        MessageHeader.decode(reply).checkReplyTo(request);
        return reply;
    }

    private static void nothing(ByteBuffer payload) {}

    private static long u64(FrontendRequest request, ByteBuffer reply) throws FrontendException {
        try {
            return U64.decode(reply).value();
        } catch (VhostUserRequestException e) {
            throw malformed(request, e);
        }
    }

    static FrontendException malformed(FrontendRequest request, VhostUserRequestException e) {
        return new FrontendException("reply is malformed: request=" + request + " " + e.getMessage());
    }

    /** Closes the connection. */
    void close() {
        stream.close();
    }
}
