package org.vportd.guest;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A peer of a port that connects again whenever it loses its connection. What it gets has to be one pattern, which after a
 * new connection may go on somewhat earlier; what it sends begins anew with each connection.
 */
final class ReturningPeer implements AutoCloseable {
    /** More is never put out by one call. */
    static final long MAX_REPETITION = 1 << 20;

    private static final int BUFFER_BYTES = 1 << 16;
    private static final int SYNC_BYTES = 32;
    private static final long START = 0x5eed_0000_0000_0000L;
    private static final long JOIN_MS = 10_000;

    private final Path path;
    private final Thread reader;
    private volatile boolean closed;
    private volatile @Nullable SocketChannel channel;
    private volatile @Nullable String failure;
    private volatile int connections;
    private volatile long received;
    private volatile long maxRepeated;
    private final AtomicLong repetitions = new AtomicLong();

    ReturningPeer(Path path) {
        this.path = path;
        this.reader = new Thread(this::readAll, "peer");
        reader.start();
    }

    /** What the guest writes at a position. */
    static byte output(long position) {
        return (byte) (mix(position >>> 3) >>> (8 * (position & 7)));
    }

    private static long mix(long value) {
        long z = (value + 1) * 0x9e37_79b9_7f4a_7c15L;
        z = (z ^ z >>> 30) * 0xbf58_476d_1ce4_e5b9L;
        return z ^ z >>> 27;
    }

    /** The word that the input of a connection begins with. Those that follow count from it. */
    static long firstInput(int connection) {
        return START + ((long) connection << 32);
    }

    /** The connection whose first input a word is, or 0 if it is not the first of any. */
    static int connectionOf(long word) {
        return word >= START && word < START + (1L << 48) && (int) word == 0 ? (int) ((word - START) >>> 32) : 0;
    }

    /** How often it has connected. */
    int connections() {
        return connections;
    }

    /** How far it has the guest's output. */
    long received() {
        return received;
    }

    /** The most that came twice after a new connection. */
    long maxRepeated() {
        return maxRepeated;
    }

    /** How often anything came twice. */
    long repetitions() {
        return repetitions.get();
    }

    /** Throws what went wrong. */
    void check() {
        String what = failure;
        if (what != null) {
            throw new AssertionError(what);
        }
    }

    private void readAll() {
        try {
            while (!closed && failure == null) {
                Thread writer = null;
                try (SocketChannel connected = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
                    channel = connected;
                    int number = connections + 1;
                    writer = new Thread(() -> writeAll(connected, number), "peer-writer");
                    writer.start();
                    connections = number;
                    read(connected);
                } catch (IOException e) {
                    Thread.sleep(5); // nobody listens
                }
                if (writer != null) {
                    writer.join(JOIN_MS);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            failure = e.toString();
        }
    }

    private void writeAll(SocketChannel to, int number) {
        ByteBuffer words = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        long next = firstInput(number);
        try {
            while (true) {
                words.clear();
                while (words.hasRemaining()) {
                    words.putLong(next++);
                }
                words.flip();
                while (words.hasRemaining()) {
                    to.write(words);
                }
            }
        } catch (IOException e) {
            // the connection is lost, which the reader hears too
        }
    }

    private void read(SocketChannel from) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(BUFFER_BYTES);
        while (bytes.position() < SYNC_BYTES) {
            if (readSome(from, bytes) < 0) {
                return;
            }
        }
        long at = findPlace(bytes);
        if (at < 0) {
            return;
        }
        do {
            bytes.flip();
            while (bytes.hasRemaining()) {
                byte value = bytes.get();
                if (value != output(at)) {
                    failure = "output is not what was written: position=" + at + " connection=" + connections;
                    return;
                }
                at++;
            }
            received = Math.max(received, at);
            bytes.clear();
        } while (readSome(from, bytes) >= 0);
    }

    private static int readSome(SocketChannel from, ByteBuffer into) throws IOException {
        try {
            return from.read(into);
        } catch (ClosedChannelException e) {
            throw e;
        } catch (IOException e) {
            return -1; // reset: the other end is no more
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // only its own thread writes
    private long findPlace(ByteBuffer bytes) {
        long end = received;
        for (long at = end; at >= 0 && at >= end - MAX_REPETITION; at--) {
            if (isAt(bytes, at)) {
                if (at < end) {
                    long unused = repetitions.incrementAndGet();
                    maxRepeated = Math.max(maxRepeated, end - at);
                }
                return at;
            }
        }
        for (long at = end + 1; at < end + (16 << 20); at++) {
            if (isAt(bytes, at)) {
                failure = "output is lost: bytes=" + (at - end) + " position=" + end + " connection=" + connections;
                return -1;
            }
        }
        failure = "output goes on nowhere near: position=" + end + " connection=" + connections;
        return -1;
    }

    private static boolean isAt(ByteBuffer bytes, long position) {
        for (int i = 0; i < bytes.position(); i++) {
            if (bytes.get(i) != output(position + i)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        closed = true;
        SocketChannel last = channel;
        if (last != null) {
            last.close();
        }
        try {
            reader.join(JOIN_MS);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
        if (reader.isAlive()) {
            throw new AssertionError("peer does not end");
        }
    }
}
