package org.vportd.guest;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;

/** A client of a UNIX stream socket, every wait of which has a deadline. */
final class TimedChannel implements AutoCloseable {
    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;

    private TimedChannel(SocketChannel channel, Selector selector) throws IOException {
        this.channel = channel;
        this.selector = selector;
        channel.configureBlocking(false);
        this.key = channel.register(selector, 0);
    }

    /** Connects, as soon as somebody listens. */
    static TimedChannel connect(Path socket, Duration timeout) throws IOException {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(socket);
        SocketChannel[] connected = new SocketChannel[1];
        boolean done = Deadline.after(timeout).await(() -> {
            SocketChannel candidate = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                candidate.connect(address);
                connected[0] = candidate;
                return true;
            } catch (IOException e) {
                candidate.close();
                return false;
            }
        });
        if (!done) {
            throw new AssertionError("nobody listens: socket=" + socket + " timeout=" + timeout);
        }
        return new TimedChannel(connected[0], Selector.open());
    }

    /** Reads what there is, waiting for the first byte; -1 at the end of the stream, 0 when time is up. */
    int read(ByteBuffer target, Deadline deadline) throws IOException {
        int count = channel.read(target);
        while (count == 0 && !deadline.isOver()) {
            await(SelectionKey.OP_READ, deadline);
            count = channel.read(target);
        }
        return count;
    }

    /** Writes all of it; false when time is up, with the rest still in the buffer. */
    boolean write(ByteBuffer source, Deadline deadline) throws IOException {
        while (true) {
            channel.write(source);
            if (!source.hasRemaining()) {
                return true;
            }
            if (deadline.isOver()) {
                return false;
            }
            await(SelectionKey.OP_WRITE, deadline);
        }
    }

    @Override
    public void close() throws IOException {
        selector.close();
        channel.close();
    }

    private void await(int operation, Deadline deadline) throws IOException {
        key.interestOps(operation);
        selector.select(deadline.remainingMs());
        selector.selectedKeys().clear();
    }
}
