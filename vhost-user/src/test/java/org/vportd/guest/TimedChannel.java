package org.vportd.guest;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;

/** A client of a UNIX stream socket. */
final class TimedChannel implements TimedStream {
    private final SocketChannel channel;
    private final Selector readable = Selector.open();
    private final Selector writable = Selector.open();

    private TimedChannel(SocketChannel channel) throws IOException {
        this.channel = channel;
        channel.configureBlocking(false);
        channel.register(readable, SelectionKey.OP_READ);
        channel.register(writable, SelectionKey.OP_WRITE);
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
        return new TimedChannel(connected[0]);
    }

    /** Takes the next connection to a socket. */
    static TimedChannel accept(ServerSocketChannel listener, Duration timeout) throws IOException {
        listener.configureBlocking(false);
        SocketChannel[] accepted = new SocketChannel[1];
        boolean done = Deadline.after(timeout).await(() -> {
            accepted[0] = listener.accept();
            return accepted[0] != null;
        });
        if (!done) {
            throw new AssertionError("nobody connects: socket=" + listener.getLocalAddress() + " timeout=" + timeout);
        }
        return new TimedChannel(accepted[0]);
    }

    @Override
    public int read(ByteBuffer target, Deadline deadline) throws IOException {
        int count = channel.read(target);
        while (count == 0 && !deadline.isOver()) {
            await(readable, deadline);
            count = channel.read(target);
        }
        return count;
    }

    @Override
    public boolean write(ByteBuffer source, Deadline deadline) throws IOException {
        while (true) {
            channel.write(source);
            if (!source.hasRemaining()) {
                return true;
            }
            if (deadline.isOver()) {
                return false;
            }
            await(writable, deadline);
        }
    }

    @Override
    public void close() throws IOException {
        readable.close();
        writable.close();
        channel.close();
    }

    private static void await(Selector selector, Deadline deadline) throws IOException {
        selector.select(deadline.remainingMs());
        selector.selectedKeys().clear();
    }
}
