package org.vportd.guest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/**
 * The host program at the other end of a generic port: a client of the UNIX stream socket behind it. One thread may send
 * while another receives.
 */
final class HostPeer implements AutoCloseable {
    private static final int BLOCK_LENGTH = 65536;

    private final TimedChannel channel;

    private HostPeer(TimedChannel channel) {
        this.channel = channel;
    }

    /** Connects, as soon as somebody listens. */
    static HostPeer connect(Path socket, Duration timeout) throws IOException {
        return new HostPeer(TimedChannel.connect(socket, timeout));
    }

    /** Takes the connection that the daemon makes. */
    static HostPeer accept(ServerSocketChannel listener, Duration timeout) throws IOException {
        return new HostPeer(TimedChannel.accept(listener, timeout));
    }

    /** Sends so many bytes of the pattern and returns their checksum, which {@code portrecv} in the guest prints too. */
    String send(long bytes, int seed, Duration timeout) throws IOException {
        Deadline deadline = Deadline.after(timeout);
        TestPattern pattern = new TestPattern(seed);
        MessageDigest digest = TestPattern.newDigest();
        byte[] block = new byte[BLOCK_LENGTH];
        for (long position = 0; position < bytes; position += BLOCK_LENGTH) {
            pattern.fill(block, position);
            int length = (int) Math.min(BLOCK_LENGTH, bytes - position);
            digest.update(block, 0, length);
            if (!channel.write(ByteBuffer.wrap(block, 0, length), deadline)) {
                throw new AssertionError("peer cannot send: position=" + position + " timeout=" + timeout);
            }
        }
        return TestPattern.hex(digest);
    }

    /** Sends these bytes. */
    void send(byte[] bytes, Duration timeout) throws IOException {
        if (!channel.write(ByteBuffer.wrap(bytes), Deadline.after(timeout))) {
            throw new AssertionError("peer cannot send: bytes=" + bytes.length + " timeout=" + timeout);
        }
    }

    /** Sends the pattern until nothing more was taken for some time, and tells what was. */
    Transfer sendUntilFull(long limitBytes, int seed, Duration quiet) throws IOException {
        TestPattern pattern = new TestPattern(seed);
        MessageDigest digest = TestPattern.newDigest();
        byte[] block = new byte[4096];
        boolean all = true;
        long sent = 0;
        while (all && sent < limitBytes) {
            pattern.fill(block, sent);
            ByteBuffer buffer = ByteBuffer.wrap(block);
            all = channel.write(buffer, Deadline.after(quiet));
            digest.update(block, 0, buffer.position());
            sent += buffer.position();
        }
        return new Transfer(sent, TestPattern.hex(digest));
    }

    /** Receives exactly so many bytes. */
    Transfer receive(long bytes, Duration timeout) throws IOException {
        return receiveSlowly(bytes, BLOCK_LENGTH, Duration.ZERO, timeout);
    }

    /** Receives exactly so many bytes, in pieces of at most {@code piece} bytes with a pause after each. */
    Transfer receiveSlowly(long bytes, int piece, Duration pause, Duration timeout) throws IOException {
        Deadline deadline = Deadline.after(timeout);
        MessageDigest digest = TestPattern.newDigest();
        ByteBuffer buffer = ByteBuffer.allocate(piece);
        long received = 0;
        while (received < bytes) {
            buffer.clear().limit((int) Math.min(piece, bytes - received));
            int count = channel.read(buffer, deadline);
            if (count <= 0) {
                String what = count < 0 ? "end of stream" : "no more within " + timeout;
                throw new AssertionError("peer: " + what + ": received=" + received + " wanted=" + bytes);
            }
            digest.update(buffer.flip());
            received += count;
            if (!pause.isZero()) {
                LockSupport.parkNanos(pause.toNanos()); // being slow is the purpose
            }
        }
        return new Transfer(received, TestPattern.hex(digest));
    }

    /** Receives until the stream ends or nothing came for some time. */
    Transfer receiveAll(Duration quiet) throws IOException {
        MessageDigest digest = TestPattern.newDigest();
        long received = receiveAll(quiet, digest);
        return new Transfer(received, TestPattern.hex(digest));
    }

    /** As {@link #receiveAll(Duration)}, but into a checksum that goes on; returns the number of bytes. */
    long receiveAll(Duration quiet, MessageDigest into) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(BLOCK_LENGTH);
        long received = 0;
        while (channel.read(buffer.clear(), Deadline.after(quiet)) > 0) {
            received += buffer.position();
            into.update(buffer.flip());
        }
        return received;
    }

    /** Receives exactly so many bytes and returns them. */
    byte[] receiveBytes(int bytes, Duration timeout) throws IOException {
        Deadline deadline = Deadline.after(timeout);
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, deadline) <= 0) {
                throw new AssertionError("peer: wanted=" + bytes + " received="
                        + Arrays.toString(Arrays.copyOf(buffer.array(), buffer.position())));
            }
        }
        return buffer.array();
    }

    /** Receives up to the end of a line, which is not part of what is returned. */
    String receiveLine(Duration timeout) throws IOException {
        Deadline deadline = Deadline.after(timeout);
        StringBuilder line = new StringBuilder();
        ByteBuffer one = ByteBuffer.allocate(1);
        while (channel.read(one.clear(), deadline) > 0) {
            if (one.get(0) == '\n') {
                return line.toString();
            }
            line.append((char) (one.get(0) & 0xff));
        }
        throw new AssertionError("peer: no line within " + timeout + ": received=" + line);
    }

    /** Waits for the end of the stream; there must be no more data. */
    void awaitEnd(Duration timeout) throws IOException {
        int count = channel.read(ByteBuffer.allocate(1), Deadline.after(timeout));
        if (count >= 0) {
            throw new AssertionError(count > 0 ? "peer: unexpected data" : "peer: not closed within " + timeout);
        }
    }

    /** Disconnects, in the middle of a test; the same as {@link #close}. */
    void leave() throws IOException {
        channel.close();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** What went through. */
    record Transfer(long bytes, String sha256) {}
}
