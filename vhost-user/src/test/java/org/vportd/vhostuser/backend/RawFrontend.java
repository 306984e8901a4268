package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_F_PROTOCOL_FEATURES;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_VERSION_1;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.MessageSocket;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.MessageHeader;
import org.vportd.vhostuser.protocol.U64;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.vhostuser.protocol.VringState;

/** A front-end that sends whatever bytes and descriptors it is told to, and has the back-end's loop come to rest after. */
final class RawFrontend implements AutoCloseable {
    static final Consumer<ByteBuffer> EMPTY = payload -> {};
    static final long FEATURES = mask(VHOST_USER_F_PROTOCOL_FEATURES) | mask(VIRTIO_F_VERSION_1);

    private static final int BUFFER_LENGTH = 1 << 16;

    private final MessageSocket socket;
    private final Runnable settle;
    private final long buffer = NativeMemory.allocate(BUFFER_LENGTH);
    private final ByteBuffer input = ByteBuffer.allocate(BUFFER_LENGTH).order(ByteOrder.nativeOrder());
    private boolean ended;

    /**
     * Takes ownership of one end of a connection.
     *
     * @param settle has the back-end handle all that has come
     */
    RawFrontend(Fd connection, Runnable settle) {
        this.socket = new MessageSocket(connection);
        this.settle = settle;
    }

    /** A reply as it came. */
    record Reply(MessageHeader header, ByteBuffer payload) {
        U64 u64() throws VhostUserRequestException {
            return U64.decode(payload);
        }
    }

    Fd fd() {
        return socket.fd();
    }

    // --- sending

    static byte[] message(int request, int flags, Consumer<ByteBuffer> payload) {
        ByteBuffer message = MessageHeader.newBuffer();
        message.position(MessageHeader.LENGTH);
        payload.accept(message);
        message.flip();
        new MessageHeader(request, flags, message.limit() - MessageHeader.LENGTH).encode(message);
        byte[] bytes = new byte[message.limit()];
        message.get(0, bytes);
        return bytes;
    }

    static byte[] message(FrontendRequest request, boolean needReply, Consumer<ByteBuffer> payload) {
        return message(request.id(), MessageHeader.request(0, needReply, 0).flags(), payload);
    }

    static Consumer<ByteBuffer> u64(long value) {
        return new U64(value)::encode;
    }

    static Consumer<ByteBuffer> zeros(int length) {
        return payload -> payload.put(new byte[length]);
    }

    /** Sends what the socket takes; how much that is. */
    int trySend(byte[] bytes, Fd... descriptors) throws PosixException {
        NativeMemory.put(bytes, 0, buffer, bytes.length);
        return (int) Math.max(0, socket.send(buffer, bytes.length, List.of(descriptors)));
    }

    void sendBytes(byte[] bytes, Fd... descriptors) throws PosixException {
        assertEquals(bytes.length, trySend(bytes, descriptors), "socket is full");
        settle.run();
    }

    /** Sends a request that asks for no acknowledgement. */
    void send(FrontendRequest request, Consumer<ByteBuffer> payload, Fd... descriptors) throws PosixException {
        sendBytes(message(request, false, payload), descriptors);
    }

    // --- receiving

    /** The next message that has come, or null. */
    @Nullable
    Reply receive() throws PosixException {
        fill();
        if (input.position() < MessageHeader.LENGTH) {
            return null;
        }
        ByteBuffer all = input.duplicate().order(ByteOrder.nativeOrder()).flip();
        MessageHeader header = MessageHeader.decode(all);
        if (all.remaining() < header.size()) {
            return null;
        }
        byte[] payload = new byte[header.size()];
        all.get(payload);
        input.flip().position(all.position());
        input.compact();
        return new Reply(header, ByteBuffer.wrap(payload).order(ByteOrder.nativeOrder()));
    }

    private void fill() throws PosixException {
        while (!ended && input.hasRemaining()) {
            long n;
            try {
                n = socket.receive(buffer, input.remaining());
            } catch (PosixException e) {
                if (e.errno() != Errno.ECONNRESET) {
                    throw e;
                }
                n = 0; // closed with something of ours unread
            }
            if (n == Posix.WOULD_BLOCK) {
                return;
            }
            ended = n == 0;
            byte[] bytes = new byte[(int) n];
            NativeMemory.get(buffer, bytes, 0, bytes.length);
            input.put(bytes);
        }
    }

    /** The reply that has come to a request. */
    Reply reply(int request) throws PosixException {
        Reply reply = receive();
        if (reply == null) {
            throw new AssertionError("no reply: request=" + request + " ended=" + ended);
        }
        assertEquals(request, reply.header().request());
        assertEquals(MessageHeader.REPLY_FLAGS, reply.header().flags());
        return reply;
    }

    /** Sends a request that has a reply of its own. */
    Reply ask(FrontendRequest request, Consumer<ByteBuffer> payload, Fd... descriptors) throws PosixException {
        send(request, payload, descriptors);
        return reply(request.id());
    }

    long askU64(FrontendRequest request) throws Exception {
        return ask(request, EMPTY).u64().value();
    }

    /** GET_VRING_BASE. */
    int stop(int ring) throws Exception {
        VringState state = VringState.decode(ask(FrontendRequest.GET_VRING_BASE, new VringState(ring, 0)::encode)
                .payload());
        assertEquals(ring, state.index());
        return state.num();
    }

    /** Sends a request that wants an acknowledgement; what it says. */
    long acknowledgement(FrontendRequest request, Consumer<ByteBuffer> payload, Fd... descriptors) throws Exception {
        sendBytes(message(request, true, payload), descriptors);
        return reply(request.id()).u64().value();
    }

    void accepted(FrontendRequest request, Consumer<ByteBuffer> payload, Fd... descriptors) throws Exception {
        assertEquals(0, acknowledgement(request, payload, descriptors), request::toString);
    }

    /** The request is refused, holds on to nothing, and the session goes on. */
    void refused(FrontendRequest request, Consumer<ByteBuffer> payload, Fd... descriptors) throws Exception {
        OpenResources before = OpenResources.now();
        assertNotEquals(0, acknowledgement(request, payload, descriptors), request::toString);
        assertEquals(before, OpenResources.now(), request::toString);
        assertServed();
    }

    /** The request, which has a reply of its own, is answered with an error, and the session goes on. */
    void refusedOwn(FrontendRequest request, Consumer<ByteBuffer> payload, Fd... descriptors) throws Exception {
        OpenResources before = OpenResources.now();
        assertNotEquals(0, ask(request, payload, descriptors).u64().value(), request::toString);
        assertEquals(before, OpenResources.now(), request::toString);
        assertServed();
    }

    /** With or without wish for an acknowledgement; in the first case it has to be a good one. */
    void tell(boolean needReply, FrontendRequest request, Consumer<ByteBuffer> payload, Fd... descriptors)
            throws Exception {
        if (needReply) {
            accepted(request, payload, descriptors);
        } else {
            send(request, payload, descriptors);
        }
    }

    /** Nothing is waiting to be read, and the session answers. */
    void assertServed() throws Exception {
        assertTrue((askU64(FrontendRequest.GET_FEATURES) & FEATURES) == FEATURES);
        assertFalse(ended);
    }

    /** The back-end has closed the connection, and has said nothing before. */
    void assertEnded() throws PosixException {
        settle.run();
        assertEquals(null, receive());
        assertTrue(ended, "session goes on");
    }

    /** The descriptors that have come with replies. */
    List<Fd> takeDescriptors() {
        return socket.takeDescriptors();
    }

    // --- the usual

    /** Negotiates the protocol features given and version 1. */
    void negotiate(long protocolFeatures) throws Exception {
        accepted(FrontendRequest.SET_PROTOCOL_FEATURES, u64(protocolFeatures));
        accepted(FrontendRequest.SET_FEATURES, u64(FEATURES));
    }

    /** All that a ring needs but ENABLE. */
    void setUp(TestGuest.Ring ring) throws Exception {
        accepted(FrontendRequest.SET_VRING_NUM, ring.num());
        accepted(FrontendRequest.SET_VRING_BASE, ring.state(ring.base()));
        accepted(FrontendRequest.SET_VRING_ADDR, ring.address());
        accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
        accepted(FrontendRequest.SET_VRING_ERR, ring.withFd(), ring.error.fd());
        accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
    }

    void enable(TestGuest.Ring ring, boolean on) throws Exception {
        accepted(FrontendRequest.SET_VRING_ENABLE, ring.state(on ? 1 : 0));
    }

    /** Memory and all rings, up to running. */
    void run(TestGuest guest) throws Exception {
        accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        for (TestGuest.Ring ring : guest.rings) {
            setUp(ring);
            enable(ring, true);
        }
    }

    @Override
    public void close() {
        if (socket.fd().isOpen()) {
            socket.close();
            NativeMemory.free(buffer);
        }
    }
}
