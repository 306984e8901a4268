package org.vportd.vhostuser.frontend;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What stands at the other end of the port's chardev, on a thread of its own: checks, feeds or echoes. */
final class LoadPeer implements AutoCloseable {
    private static final int BUFFER_BYTES = 256 * 1024;

    private final SocketChannel channel;
    private final Thread thread;
    private volatile long position;
    private volatile @Nullable String failure;
    private volatile boolean closing;

    /** What the peer does with its connection. */
    enum Role {
        /** Reads the pattern and checks it. */
        CHECK,
        /** Writes the pattern. */
        FEED,
        /** Writes back what it reads. */
        ECHO
    }

    private LoadPeer(SocketChannel channel, Role role) {
        this.channel = channel;
        this.thread = new Thread(() -> run(role), "peer");
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Connects.
     *
     * @param where {@code unix:PATH} or {@code tcp:HOST:PORT}
     */
    static LoadPeer connect(String where, Role role) throws IOException {
        SocketAddress address = address(where);
        boolean unix = address instanceof UnixDomainSocketAddress;
        SocketChannel channel = unix ? SocketChannel.open(StandardProtocolFamily.UNIX) : SocketChannel.open();
        try {
            if (!unix) {
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            }
            channel.connect(address);
            return new LoadPeer(channel, role);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static SocketAddress address(String where) throws FrontendException {
        int colon = where.lastIndexOf(':');
        if (where.startsWith("unix:")) {
            return UnixDomainSocketAddress.of(where.substring("unix:".length()));
        }
        if (where.startsWith("tcp:") && colon > "tcp:".length()) {
            try {
                String host = where.substring("tcp:".length(), colon);
                return new InetSocketAddress(host, Integer.parseInt(where.substring(colon + 1)));
            } catch (IllegalArgumentException e) {
                throw new FrontendException("peer has a bad port: peer=" + where);
            }
        }
        throw new FrontendException("peer is neither unix:PATH nor tcp:HOST:PORT: peer=" + where);
    }

    private void run(Role role) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
        try {
            switch (role) {
                case CHECK -> check(buffer);
                case FEED -> feed(buffer);
                case ECHO -> echo(buffer);
            }
            failure = "peer's connection ended: position=" + position;
        } catch (ClosedChannelException e) {
            failure = closing ? null : "peer's connection was closed: position=" + position;
        } catch (IOException e) {
            failure = closing ? null : "peer's connection failed: " + e.getMessage();
        }
    }

    private void check(ByteBuffer buffer) throws IOException {
        while (channel.read(buffer.clear()) > 0) {
            int bad = StreamPattern.firstMismatch(buffer.flip(), position);
            if (bad != StreamPattern.NONE) {
                throw new IOException("data differs: position=" + (position + bad));
            }
            advance(buffer.limit());
        }
    }

    private void feed(ByteBuffer buffer) throws IOException {
        while (true) {
            StreamPattern.fill(buffer.clear(), position);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            advance(buffer.limit());
        }
    }

    private void echo(ByteBuffer buffer) throws IOException {
        while (channel.read(buffer.clear()) > 0) {
            buffer.flip();
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            advance(buffer.limit());
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // only the peer's thread writes it
    private void advance(int bytes) {
        position += bytes;
    }

    /** The bytes moved so far. */
    long position() {
        return position;
    }

    /** Throws what has gone wrong, if anything has. */
    void throwFailure() throws FrontendException {
        String what = failure;
        if (what != null) {
            throw new FrontendException(what);
        }
    }

    @Override
    public void close() throws IOException {
        closing = true;
        channel.close();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
