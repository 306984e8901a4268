package org.vportd.chardev.socket;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.util.Map;
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
import org.vportd.chardev.layer.StreamProtocols;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/**
 * A stream socket, as server for one client at a time or as client. Open while connected and, if a protocol is spoken over
 * the connection, agreed with the peer on that.
 *
 * <p>A server leaves further clients in the kernel's queue until the first has left. A server that comes in the place of
 * another one at the same address takes over its socket, file and queue. A client that has lost its server tries again if
 * it was asked to, and otherwise stays closed.
 *
 * <p>A client that is not to try again connects while it is opened. That waits for at most 10 seconds while the program
 * starts, and for one second in all once it serves, see {@link InetHost#patienceNs}.
 *
 * <p>A peer that does not get through the handshakes of the protocols within {@value
 * StreamProtocols#HANDSHAKE_SECONDS} seconds is let go,
 * and so is one that fails at it; nobody hears of either.
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
            SocketOptions options = SocketOptions.parse(opening);
            SocketChardev chardev = new SocketChardev(opening.loop(), opening.id(), options);
            chardev.open(opening);
            options.protocols().acquire();
            return chardev;
        }
    };

    private static final Logger LOG = System.getLogger(SocketChardev.class.getName());

    private static final String LISTENER = "listener";
    private static final String AWAITED = "awaited";
    private static final String REPORTED = "reported";
    private static final String CONNECTION = "connection";
    private static final String PROTOCOL = "protocol";

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
    /** The connection of a client that has been opened but has not begun to work. */
    private @Nullable Fd firstConnection;

    /** Until it has begun: what is known of the connection, if another process had it before. */
    private @Nullable Parcel inheritedProtocol;

    private @Nullable Fd connectionFd;
    private @Nullable ByteStream stream;
    private State state = State.DISCONNECTED;
    private String connection = "";
    private boolean awaited;
    private boolean closed;

    private SocketChardev(EventLoop loop, String id, SocketOptions options) {
        super(id);
        this.loop = loop;
        this.options = options;
    }

    private void open(Opening opening) throws ConfigException {
        if (opening.inherited() != null) {
            goOn(opening, opening.inherited());
            return;
        }
        SocketAddress address = options.address();
        long patienceNs = InetHost.patienceNs(loop);
        if (options.server()) {
            if (address instanceof SocketAddress.Passed passed && passed.name().isEmpty()) {
                return; // all clients come by addClient
            }
            refuseWhatOthersHave(opening);
            SocketChardev old = opening.predecessor(SocketChardev.class);
            ListeningSocket present = old == null || old.listener == null ? null : old.listener.socket();
            ListeningSocket socket = ListeningSocket.open(address, present, opening.services(), patienceNs);
            listener = new Listener(loop, socket, this::connected);
            awaited = options.awaitsClient();
        } else if (options.reconnectNs() > 0) {
            connector = new Connector(loop, id(), address, options.reconnectNs(), this::connected);
        } else if (address instanceof SocketAddress.Passed passed) {
            firstConnection = PassedSocket.take(passed, opening.services(), false);
        } else {
            firstConnection = Dialer.connect(address, patienceNs);
        }
    }

    // --- handover

    private void goOn(Opening opening, Parcel from) throws ConfigException {
        SocketAddress address = options.address();
        if (options.server()
                && !(address instanceof SocketAddress.Passed passed
                        && passed.name().isEmpty())) {
            Fd listening = opening.takeInherited(LISTENER);
            ListeningSocket socket = ListeningSocket.inherited(address, listening, from);
            listener = new Listener(loop, socket, this::connected);
            awaited = from.flag(AWAITED);
        } else if (options.reconnectNs() > 0) {
            connector = new Connector(loop, id(), address, options.reconnectNs(), this::connected);
            connector.inheritReport(from.flag(REPORTED));
        }
        firstConnection = from.takeFd(CONNECTION);
        inheritedProtocol = from.parcel(PROTOCOL);
    }

    @Override
    protected void pack(Parcel into) {
        if (listener != null) {
            listener.socket().pack(into);
            into.put(LISTENER, listener.socket().fd()).put(AWAITED, awaited);
        }
        if (connector != null) {
            into.put(REPORTED, connector.hasReported());
        }
        if (stream != null && options.protocols().canMove()) {
            Parcel protocol = new Parcel();
            stream.pack(protocol);
            into.put(CONNECTION, connectionFd).put(PROTOCOL, protocol);
        }
    }

    /** Without a word to a peer that goes on elsewhere; one that cannot is told as ever. */
    private void leave() {
        if (stream != null && options.protocols().canMove()) {
            stream.abandon();
            stream = null;
        }
        if (listener != null) {
            listener.socket().leave();
        }
    }

    // --- opening

    /** Whether somebody listens at a path is found out by connecting: a chardev of ours would take that for a client. */
    private void refuseWhatOthersHave(Opening opening) throws ConfigException {
        for (Chardev other : opening.chardevs().all()) {
            if (other != opening.predecessor()
                    && options.address() instanceof SocketAddress.Unix unix
                    && other instanceof SocketChardev socket
                    && socket.listener != null
                    && socket.listener.socket().isFileAt(unix)) {
                throw new OpenException(
                        "Failed to bind socket to " + unix.path() + ": Address already in use",
                        "chardev '" + other.id() + "' listens there");
            }
        }
    }

    @Override
    protected void begin(@Nullable Chardev predecessor) {
        if (listener != null) {
            listener.socket().takeOver();
            if (awaited && inheritedProtocol == null) {
                LOG.log(Level.INFO, "vportd waiting for connection on: " + filename());
            }
            listener.resume();
        }
        if (connector != null && inheritedProtocol == null) {
            connector.start();
        } else if (connector != null) {
            connector.startLater(); // not before it is clear that the other process is done with it
        }
        Fd first = firstConnection;
        if (first != null) {
            firstConnection = null;
            connected(first);
        }
        inheritedProtocol = null;
    }

    @Override
    public String filename() {
        return state == State.CONNECTED ? connection : "disconnected:" + addressText();
    }

    private String addressText() {
        return listener == null
                ? options.description()
                : listener.socket().description(options.protocol()) + SocketAddress.role(true);
    }

    /** The address it listens at or connects to, in the words of QMP's {@code SocketAddress}. */
    public Map<String, Object> address() {
        return options.address().members();
    }

    @Override
    public boolean isAwaited() {
        return awaited;
    }

    /**
     * Takes a connection from elsewhere as if it had been accepted or made here, with the same protocols over it.
     *
     * @param fd a connected stream socket; owned by this chardev from here on, also if it is refused
     * @throws ConfigException if somebody is connected, or it is not such a socket
     */
    public void addClient(Fd fd) throws ConfigException {
        if (state != State.DISCONNECTED || !isConnection(fd)) {
            fd.close();
            throw new ConfigException("failed to add client", "chardev '" + id() + "' is " + filename());
        }
        connected(fd);
    }

    private static boolean isConnection(Fd fd) {
        try {
            if (!Sockets.isStream(fd) || Sockets.isListening(fd)) {
                return false;
            }
            Posix.setCloseOnExec(fd);
            Posix.setNonBlocking(fd, true);
            return true;
        } catch (PosixException e) {
            return false;
        }
    }

    /** Ends the connection there is, or the attempt at one, at once and whatever the peer still has to say. */
    public void disconnect() {
        if (state != State.DISCONNECTED) {
            disconnected();
        } else if (connector != null) {
            connector.stop();
            connector.startLater();
        }
    }

    /** The raw connection is there. The protocols over it have their handshakes between this and {@link #established}. */
    private void connected(Fd fd) {
        state = State.CONNECTING;
        if (listener != null) {
            listener.pause();
        }
        if (connector != null) {
            connector.stop();
        }
        try {
            connection = describe(fd);
            tune(fd);
            ByteStream.Opener plain = owner -> new FdStream(loop, fd, fd, owner);
            connectionFd = fd;
            stream = options.protocols()
                    .over(plain, loop, id(), inheritedProtocol)
                    .open(new Peer());
        } catch (PosixException e) {
            LOG.log(Level.WARNING, "connection failed: chardev=" + id() + " error=" + e.getMessage());
            fd.close();
            disconnected();
            return;
        }
        if (stream.isReady()) {
            established();
        }
    }

    private void tune(Fd fd) throws PosixException {
        if (options.address() instanceof SocketAddress.Inet inet && Sockets.localAddress(fd) != null) {
            if (options.noDelay()) {
                Sockets.setNoDelay(fd, true);
            }
            Sockets.KeepAlive keepAlive = inet.keepAlive();
            if (keepAlive != null) {
                keepAlive.apply(fd);
            }
        }
    }

    private void established() {
        state = State.CONNECTED;
        awaited = false;
        if (connector != null) {
            connector.succeeded();
        }
        raise(ChardevEvent.OPENED);
    }

    private String describe(Fd fd) throws PosixException {
        InetSocketAddress local = Sockets.localAddress(fd);
        InetSocketAddress remote = Sockets.peerAddress(fd);
        if (local == null || remote == null) {
            return addressText();
        }
        return options.protocol() + ":" + InetResolver.text(local) + SocketAddress.role(options.server()) + " <-> "
                + InetResolver.text(remote);
    }

    private final class Peer extends StreamOwner {
        @Override
        public void ready() {
            if (state == State.CONNECTING && stream != null) {
                established();
            }
        }

        @Override
        public void disagreed(String name, String reason) {
            if (connector != null && state == State.CONNECTING) {
                connector.report(reason); // it comes again with each attempt
            } else {
                super.disagreed(name, reason);
            }
        }

        @Override
        public void breakReceived() {
            raise(ChardevEvent.BREAK);
        }

        @Override
        public void ended() {
            disconnected();
        }
    }

    /** Lets go of the connection, whatever became of it, and gets ready for the next one. */
    private void disconnected() {
        letGo();
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

    private void letGo() {
        if (stream != null) {
            stream.close();
            stream = null;
            connectionFd = null;
        }
    }

    @Override
    protected long write(IoVector data) {
        return stream == null || state != State.CONNECTED ? data.bytes() : stream.write(data);
    }

    @Override
    protected void acceptInput() {
        if (stream != null) {
            stream.acceptInput();
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (isHandedOver()) {
            leave();
        }
        state = State.DISCONNECTED;
        awaited = false;
        letGo();
        if (firstConnection != null) {
            firstConnection.close();
        }
        if (connector != null) {
            connector.close();
        }
        if (listener != null) {
            listener.close();
        }
        options.protocols().release();
    }
}
