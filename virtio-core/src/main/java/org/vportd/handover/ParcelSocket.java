package org.vportd.handover;

import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.vportd.posix.Fd;
import org.vportd.posix.MessageSocket;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Poll;
import org.vportd.posix.Posix;

/**
 * Sends and receives parcels over a UNIX stream socket, waiting as long as it is told to. What is sent is a number of bytes
 * and a number of descriptors (4 bytes each), then the descriptors with a byte for every {@value #DESCRIPTORS_PER_MESSAGE}
 * of them, then the bytes. One thread.
 */
public final class ParcelSocket implements AutoCloseable {
    private static final int DESCRIPTORS_PER_MESSAGE = 32;
    private static final int CHUNK_BYTES = 1 << 16;
    private static final int HEADER_BYTES = 2 * Integer.BYTES;
    private static final int MAX_BYTES = 1 << 30;

    private final MessageSocket socket;
    private final long buffer = NativeMemory.allocate(CHUNK_BYTES);
    private final long patienceNs;

    /**
     * Takes ownership of a connected socket.
     *
     * @param patienceMs how long one call may wait
     */
    public ParcelSocket(Fd fd, int patienceMs) {
        this.socket = new MessageSocket(fd);
        this.patienceNs = TimeUnit.MILLISECONDS.toNanos(patienceMs);
    }

    /**
     * Sends a parcel; its descriptors stay their owners'.
     *
     * @throws IOException if the other side has gone, or does not read for too long
     */
    public void send(Parcel parcel) throws IOException {
        long deadline = System.nanoTime() + patienceNs;
        List<Fd> descriptors = new ArrayList<>();
        byte[] bytes = ParcelCodec.encode(parcel, descriptors);
        NativeMemory.putInt(buffer, bytes.length);
        NativeMemory.putInt(buffer + Integer.BYTES, descriptors.size());
        sendAll(HEADER_BYTES, List.of(), deadline);
        for (int at = 0; at < descriptors.size(); at += DESCRIPTORS_PER_MESSAGE) {
            int end = Math.min(descriptors.size(), at + DESCRIPTORS_PER_MESSAGE);
            sendAll(1, descriptors.subList(at, end), deadline);
        }
        for (int at = 0; at < bytes.length; at += CHUNK_BYTES) {
            int length = Math.min(CHUNK_BYTES, bytes.length - at);
            NativeMemory.put(bytes, at, buffer, length);
            sendAll(length, List.of(), deadline);
        }
    }

    private void sendAll(int length, List<Fd> descriptors, long deadline) throws IOException {
        List<Fd> left = descriptors;
        for (int sent = 0; sent < length; ) {
            long n = socket.send(buffer + sent, length - sent, left);
            if (n == Posix.WOULD_BLOCK) {
                await(Poll.POLLOUT, deadline);
            } else {
                sent += (int) n;
                left = List.of();
            }
        }
    }

    /**
     * Receives a parcel, which the caller closes.
     *
     * @throws IOException if the other side has gone, sends something else or nothing for too long
     */
    public Parcel receive() throws IOException {
        long deadline = System.nanoTime() + patienceNs;
        List<Fd> descriptors = new ArrayList<>();
        boolean complete = false;
        try {
            receiveAll(HEADER_BYTES, descriptors, deadline);
            int length = NativeMemory.getInt(buffer);
            int count = NativeMemory.getInt(buffer + Integer.BYTES);
            if (length < 0 || length > MAX_BYTES || count < 0) {
                throw new IOException("no parcel has come: bytes=" + length + " descriptors=" + count);
            }
            for (int left = count; left > 0; left -= DESCRIPTORS_PER_MESSAGE) {
                receiveAll(1, descriptors, deadline);
            }
            if (descriptors.size() != count || socket.isTruncated()) {
                throw new IOException("descriptors were lost: sent=" + count + " received=" + descriptors.size()
                        + " (is the limit of open files too low?)");
            }
            byte[] bytes = new byte[length];
            for (int at = 0; at < length; at += CHUNK_BYTES) {
                int part = Math.min(CHUNK_BYTES, length - at);
                receiveAll(part, descriptors, deadline);
                NativeMemory.get(buffer, bytes, at, part);
            }
            complete = true;
            return ParcelCodec.decode(bytes, descriptors);
        } finally {
            if (!complete) {
                descriptors.forEach(Fd::close);
            }
        }
    }

    private void receiveAll(int length, List<Fd> descriptors, long deadline) throws IOException {
        for (int received = 0; received < length; ) {
            long n = socket.receive(buffer + received, length - received);
            descriptors.addAll(socket.takeDescriptors());
            if (n == 0) {
                throw new EOFException("the other side has closed the connection");
            } else if (n == Posix.WOULD_BLOCK) {
                await(Poll.POLLIN, deadline);
            } else {
                received += (int) n;
            }
        }
    }

    private void await(int events, long deadline) throws IOException {
        long leftNs = deadline - System.nanoTime();
        if (leftNs <= 0) {
            throw new IOException("the other side does not answer");
        }
        int unused = Poll.await(socket.fd(), events, (int) TimeUnit.NANOSECONDS.toMillis(leftNs) + 1);
    }

    @Override
    public void close() {
        socket.close();
        NativeMemory.free(buffer);
    }
}
