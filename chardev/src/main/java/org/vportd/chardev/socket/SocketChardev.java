package org.vportd.chardev.socket;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ByteStream;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.FdStream;
import org.vportd.chardev.OpenException;
import org.vportd.chardev.Opening;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/**
 * A stream socket, as server for one client at a time or as client. Open while connected.
 *
 * <p>A server leaves further clients in the kernel's queue until the first has left. A client that has lost its server
 * tries again if it was asked to, and otherwise stays closed.
 */
public final class SocketChardev extends Chardev {
    /** The type {@code socket}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "socket";
        }

        @Override
        public Set<String> keys() {
            return SocketOptions.KEYS;
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            SocketChardev chardev =
                    new SocketChardev(opening.loop(), opening.id(), SocketOptions.parse(opening.options()));
            chardev.start();
            return chardev;
        }
    };

    private static final Logger LOG = System.getLogger(SocketChardev.class.getName());

    private enum State {
        DISCONNECTED,
        /** There is a connection, but what is spoken over it has not been agreed upon yet. */
        CONNECTING,
        CONNECTED
    }

    private final EventLoop loop;
    private final SocketOptions options;
    private @Nullable Listener listener;
    private @Nullable Connector connector;
    private @Nullable ByteStream stream;
    private State state = State.DISCONNECTED;
    private String connection = "";
    private boolean awaited;

    private SocketChardev(EventLoop loop, String id, SocketOptions options) {
        super(id);
        this.loop = loop;
        this.options = options;
    }

    private void start() throws ConfigException {
        if (options.server()) {
            listener = Listener.open(loop, options.address(), this::connected);
            awaited = options.awaitsClient();
            if (awaited) {
                LOG.log(Level.INFO, "vportd waiting for connection on: " + filename());
            }
            listener.resume();
        } else if (options.reconnectNs() > 0) {
            connector = new Connector(loop, id(), options.address(), options.reconnectNs(), this::connected);
            connector.start();
        } else {
            connected(Connector.connectNow(options.address()));
            if (state == State.DISCONNECTED) {
                throw new OpenException("Failed to connect to '" + address() + "'");
            }
        }
    }

    @Override
    public String filename() {
        return state == State.CONNECTED ? connection : "disconnected:" + address();
    }

    private String address() {
        return listener == null ? options.address().describe(options.server()) : listener.description();
    }

    @Override
    public boolean isAwaited() {
        return awaited;
    }

    /** The raw connection is there. A protocol over it would have its handshake between this and {@link #established}. */
    private void connected(Fd fd) {
        state = State.CONNECTING;
        if (listener != null) {
            listener.pause();
        }
        try {
            connection = describe(fd);
            if (options.noDelay() && options.address() instanceof SocketAddress.Inet) {
                Sockets.setNoDelay(fd, true);
            }
            stream = new FdStream(loop, fd, fd, new Peer());
        } catch (PosixException e) {
            LOG.log(Level.WARNING, "connection failed: chardev=" + id() + " error=" + e.getMessage());
            fd.close();
            disconnected();
            return;
        }
        established();
    }

    private void established() {
        state = State.CONNECTED;
        awaited = false;
        raise(ChardevEvent.OPENED);
    }

    private String describe(Fd fd) throws PosixException {
        InetSocketAddress local = Sockets.localAddress(fd);
        InetSocketAddress remote = Sockets.peerAddress(fd);
        if (local == null || remote == null) {
            return address();
        }
        return "tcp:" + InetResolver.text(local) + (options.server() ? ",server=on" : "") + " <-> "
                + InetResolver.text(remote);
    }

    private final class Peer extends StreamOwner {
        @Override
        public void ended() {
            disconnected();
        }
    }

    /** Lets go of the connection, whatever became of it, and gets ready for the next one. */
    private void disconnected() {
        if (stream != null) {
            stream.close();
            stream = null;
        }
        boolean wasConnected = state == State.CONNECTED;
        state = State.DISCONNECTED;
        if (listener != null) {
            listener.resume();
        }
        if (connector != null) {
            connector.startLater();
        }
        if (wasConnected) {
            raise(ChardevEvent.CLOSED); // last: the front-end may close this chardev
        }
    }

    @Override
    protected long write(IoVector data) {
        return stream == null ? data.bytes() : stream.write(data);
    }

    @Override
    protected void acceptInput() {
        if (stream != null) {
            stream.acceptInput();
        }
    }

    @Override
    public void close() {
        state = State.DISCONNECTED;
        awaited = false;
        if (stream != null) {
            stream.close();
            stream = null;
        }
        if (connector != null) {
            connector.close();
        }
        if (listener != null) {
            listener.close();
        }
    }
}
