package org.vportd.vhostuser.frontend;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.vportd.posix.Fd;
import org.vportd.posix.MessageSocket;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Poll;
import org.vportd.posix.Posix;
import org.vportd.vhostuser.protocol.MessageHeader;

/** Whole messages over a socket, waiting for as long as it takes up to a deadline. */
final class FrontendStream implements AutoCloseable {
    private static final int BUFFER_LENGTH = MessageHeader.LENGTH + MessageHeader.MAX_PAYLOAD_BYTES;

    private final MessageSocket socket;
    private final long buffer = NativeMemory.allocate(BUFFER_LENGTH);
    private final long timeoutNs;

    FrontendStream(Fd connection, long timeoutNs) {
        this.socket = new MessageSocket(connection);
        this.timeoutNs = timeoutNs;
    }

    Fd fd() {
        return socket.fd();
    }

    /** Sends all of a message; the descriptors stay the caller's. */
    void send(ByteBuffer message, List<Fd> descriptors) throws IOException {
        long end = System.nanoTime() + timeoutNs;
        byte[] bytes = new byte[message.remaining()];
        message.get(bytes);
        NativeMemory.put(bytes, 0, buffer, bytes.length);
        int sent = 0;
        while (sent < bytes.length) {
            long n = socket.send(buffer + sent, bytes.length - sent, sent == 0 ? descriptors : List.of());
            if (n == Posix.WOULD_BLOCK) {
                await(Poll.POLLOUT, end);
            } else {
                sent += (int) n;
            }
        }
    }

    /** Receives a header and what follows it, in native order; descriptors that come along are closed. */
    ByteBuffer receive() throws IOException {
        ByteBuffer message = receiveAll();
        socket.takeDescriptors().forEach(Fd::close);
        return message;
    }

    /** The same; descriptors that come along are the caller's. */
    ByteBuffer receive(List<Fd> descriptors) throws IOException {
        ByteBuffer message = receiveAll();
        descriptors.addAll(socket.takeDescriptors());
        return message;
    }

    private ByteBuffer receiveAll() throws IOException {
        long end = System.nanoTime() + timeoutNs;
        receive(0, MessageHeader.LENGTH, end);
        MessageHeader header = MessageHeader.decode(copy(MessageHeader.LENGTH));
        if (header.size() < 0 || header.size() > MessageHeader.MAX_PAYLOAD_BYTES) {
            throw new FrontendException("back-end sent a message that is too long: " + header);
        }
        receive(MessageHeader.LENGTH, header.size(), end);
        return copy(MessageHeader.LENGTH + header.size());
    }

    private ByteBuffer copy(int length) {
        byte[] bytes = new byte[length];
        NativeMemory.get(buffer, bytes, 0, length);
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }

    private void receive(int offset, int length, long end) throws IOException {
        int received = 0;
        while (received < length) {
            long n = socket.receive(buffer + offset + received, length - received);
            if (n == 0) {
                throw new EOFException("back-end has closed the connection");
            }
            if (n == Posix.WOULD_BLOCK) {
                await(Poll.POLLIN, end);
            } else {
                received += (int) n;
            }
        }
    }

    /** Whether something can be read, or the other end has gone. */
    boolean isReadable() throws IOException {
        return Poll.now(socket.fd(), Poll.POLLIN) != 0;
    }

    private void await(int event, long end) throws IOException {
        long leftMs = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (leftMs <= 0) {
            throw new FrontendException(
                    "back-end does not answer: timeout=" + TimeUnit.NANOSECONDS.toMillis(timeoutNs) + "ms");
        }
        Poll.await(socket.fd(), event, (int) Math.min(leftMs, Integer.MAX_VALUE));
    }

    @Override
    public void close() {
        if (socket.fd().isOpen()) {
            socket.close();
            NativeMemory.free(buffer);
        }
    }
}
