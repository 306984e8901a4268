package org.vportd.vhostuser.backend;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;
import org.vportd.posix.MessageSocket;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.vhostuser.protocol.MessageHeader;
import org.vportd.vhostuser.protocol.VhostUserProtocolException;

/**
 * The messages of one connection, whole, whatever pieces they come in; and the one reply that may be on its way out. Never
 * waits.
 */
final class MessageStream implements AutoCloseable {
    private static final int BUFFER_LENGTH = MessageHeader.LENGTH + MessageHeader.MAX_PAYLOAD_BYTES;

    private final MessageSocket socket;
    private final long in = NativeMemory.allocate(BUFFER_LENGTH);
    private final long out = NativeMemory.allocate(BUFFER_LENGTH);
    private @Nullable MessageHeader header;
    private int received;
    private int outLength;
    private int outSent;
    private List<Fd> outDescriptors = List.of();

    /**
     * A request with all that came with it; whoever gets it closes the descriptors.
     *
     * @param payload in native order
     */
    record Message(MessageHeader header, ByteBuffer payload, List<Fd> descriptors) {}

    MessageStream(Fd fd) {
        this.socket = new MessageSocket(fd);
    }

    Fd fd() {
        return socket.fd();
    }

    /**
     * The next request that has arrived completely, or null.
     *
     * @throws EOFException if the front-end has left
     * @throws VhostUserProtocolException if what comes is not understood
     */
    @Nullable
    Message next() throws IOException {
        while (true) {
            MessageHeader current = header;
            int wanted = MessageHeader.LENGTH + (current == null ? 0 : current.size());
            if (received == wanted && current != null) {
                return take(current);
            }
            int descriptors = socket.descriptors();
            long n = socket.receive(in + received, wanted - received);
            if (n == Posix.WOULD_BLOCK) {
                return null;
            }
            if (n == 0) {
                throw received == 0
                        ? new EOFException("front-end has left")
                        : new VhostUserProtocolException("connection ended within a message: received=" + received);
            }
            if (socket.isTruncated() || (received > 0 && socket.descriptors() != descriptors)) {
                throw new VhostUserProtocolException(
                        "descriptors were lost or came in the middle of a message: received=" + received);
            }
            received += (int) n;
            if (current == null && received == MessageHeader.LENGTH) {
                header = MessageHeader.decode(copy(in, MessageHeader.LENGTH)).checkRequest();
            }
        }
    }

    private Message take(MessageHeader current) {
        ByteBuffer payload = copy(in + MessageHeader.LENGTH, current.size());
        header = null;
        received = 0;
        return new Message(current, payload, socket.takeDescriptors());
    }

    private static ByteBuffer copy(long from, int length) {
        byte[] bytes = new byte[length];
        NativeMemory.get(from, bytes, 0, length);
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }

    /** Whether a message has begun to arrive and has not ended. */
    boolean isWithinMessage() {
        return received > 0;
    }

    /** Whether a reply waits for the front-end to read. */
    boolean isSending() {
        return outSent < outLength;
    }

    /** Sends a reply; what does not fit now waits for {@link #flush}. None may be waiting. */
    void send(ByteBuffer message) throws IOException {
        send(message, List.of());
    }

    /** The same with descriptors, which are owned from here on. */
    void send(ByteBuffer message, List<Fd> descriptors) throws IOException {
        if (isSending()) {
            throw new IllegalStateException("a reply is still being sent");
        }
        byte[] bytes = new byte[message.remaining()];
        message.get(bytes);
        NativeMemory.put(bytes, 0, out, bytes.length);
        outLength = bytes.length;
        outSent = 0;
        outDescriptors = descriptors;
        flush();
    }

    /** Sends more of a reply that is waiting. */
    void flush() throws IOException {
        while (isSending()) {
            long n = socket.send(out + outSent, outLength - outSent, outDescriptors);
            if (n == Posix.WOULD_BLOCK) {
                return;
            }
            closeDescriptors(); // they go with the first byte
            outSent += (int) n;
        }
    }

    private void closeDescriptors() {
        outDescriptors.forEach(Fd::close);
        outDescriptors = List.of();
    }

    @Override
    public void close() {
        closeDescriptors();
        if (socket.fd().isOpen()) {
            socket.close();
            NativeMemory.free(in);
            NativeMemory.free(out);
        }
    }
}
