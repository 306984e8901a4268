package org.vportd.chardev.backend;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import org.vportd.chardev.Opening;
import org.vportd.chardev.Options;
import org.vportd.chardev.socket.InetFamily;
import org.vportd.chardev.socket.InetHost;
import org.vportd.chardev.socket.InetResolver;
import org.vportd.chardev.socket.ServicePorts;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.loop.Watch;
import org.vportd.posix.Datagrams;
import org.vportd.posix.Epoll;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/**
 * UDP to one peer. Each write of the front-end is one datagram, unless it is longer than one can be. A datagram that comes
 * in is read straight into the front-end's buffers; what they have no room for is kept and fed as room comes, and the next
 * datagram waits in the kernel meanwhile.
 *
 * <p>Never open, as nobody can tell whether the peer is there, but takes output. What cannot be sent, for example because
 * nobody listens at the peer's port for now, is lost as any datagram may be.
 */
public final class UdpChardev extends Chardev {
    /** The type {@code udp}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "udp";
        }

        @Override
        public Set<String> keys() {
            return Set.of("host", "port", "localaddr", "localport", "ipv4", "ipv6", "numeric");
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            if (opening.inherited() != null) {
                return UdpChardev.goOn(opening, opening.inherited());
            }
            UdpChardev old = opening.predecessor(UdpChardev.class);
            return new UdpChardev(opening.loop(), opening.id(), socket(opening, old), old);
        }
    };

    private static final Logger LOG = System.getLogger(UdpChardev.class.getName());
    private static final int MAX_V4_BYTES = 65507;
    private static final int MAX_V6_BYTES = 65527;
    private static final int READS_PER_TURN = 16;

    private static final String SOCKET = "socket";
    private static final String REST = "rest";

    private final EventLoop loop;
    private final Fd fd;
    private final boolean sharesSocket;
    private final int maxBytes;
    private final LoopTask pumpTask;
    private final IoVector ranges = new IoVector();
    private final IoVector part = new IoVector();
    private long rest = NativeMemory.allocate(Datagrams.MAX_BYTES);
    private int restBytes;
    private int restFed;
    private @Nullable Watch watch;
    private boolean readable;
    private boolean writable = true;
    private boolean waitsForRoom;
    private boolean failing;

    private UdpChardev(EventLoop loop, String id, Fd fd, @Nullable UdpChardev old) {
        super(id);
        this.loop = loop;
        this.fd = fd;
        this.sharesSocket = old != null && isSameSocket(fd, old.fd);
        this.maxBytes = addressOf(fd, true).getAddress() instanceof Inet4Address ? MAX_V4_BYTES : MAX_V6_BYTES;
        this.pumpTask = loop.task(this::pump);
    }

    // --- handover

    private static Chardev goOn(Opening opening, Parcel from) throws ConfigException {
        Fd fd = opening.takeInherited(SOCKET);
        UdpChardev chardev = new UdpChardev(opening.loop(), opening.id(), fd, null);
        byte[] rest = from.bytes(REST);
        chardev.restBytes = Math.min(rest.length, Datagrams.MAX_BYTES);
        NativeMemory.put(rest, 0, chardev.rest, chardev.restBytes);
        return chardev;
    }

    @Override
    protected void pack(Parcel into) {
        byte[] unfed = new byte[restBytes - restFed];
        NativeMemory.get(rest + restFed, unfed, 0, unfed.length);
        into.put(SOCKET, fd).put(REST, unfed);
    }

    // --- opening

    private static Fd socket(Opening opening, @Nullable UdpChardev old) throws ConfigException {
        Options options = opening.options();
        if (options.string("port", "").isEmpty()) {
            throw new ConfigException("chardev: udp: remote port not specified");
        }
        InetHost remote = host(options, "host", port(options, "port", 1, "host"));
        int localPort = options.string("localport", "").isEmpty() ? 0 : port(options, "localport", 0, "localaddr");
        InetHost local = host(options, "localaddr", localPort);
        boolean bound = localPort != 0 || !local.host().isEmpty();
        long patienceNs = InetHost.patienceNs(opening.loop());
        try {
            IOException failure = null;
            for (InetSocketAddress peer : InetResolver.resolve(remote, patienceNs)) {
                try {
                    return socket(peer, bound ? localFor(peer, local, patienceNs) : null, old);
                } catch (PosixException e) {
                    failure = new IOException(
                            e.call().equals("bind")
                                    ? "Failed to bind socket to " + local + ": " + e.errorText()
                                    : "Failed to connect to '" + remote + "': " + e.errorText(),
                            e);
                }
            }
            throw failure == null ? new IOException("address resolution failed for " + remote) : failure;
        } catch (IOException e) {
            throw new OpenException(String.valueOf(e.getMessage()));
        }
    }

    private static int port(Options options, String key, int min, String hostKey) throws ConfigException {
        return ServicePorts.of(options, key, min, "udp", options.string(hostKey, ""));
    }

    private static InetHost host(Options options, String key, int port) throws ConfigException {
        return new InetHost(options.string(key, ""), port, InetFamily.of(options), options.bool("numeric", false));
    }

    /** The local address, of the family of the peer. */
    private static InetSocketAddress localFor(InetSocketAddress peer, InetHost local, long patienceNs)
            throws IOException {
        boolean v6 = peer.getAddress() instanceof Inet6Address;
        if (local.host().isEmpty()) {
            return new InetSocketAddress(any(v6), local.port());
        }
        InetFamily family = v6 ? InetFamily.IPV6 : InetFamily.IPV4;
        return InetResolver.resolve(new InetHost(local.host(), local.port(), family, local.isNumeric()), patienceNs)
                .get(0);
    }

    private static InetAddress any(boolean v6) {
        try {
            return InetAddress.getByName(v6 ? "::" : "0.0.0.0");
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e); // those are numbers
        }
    }

    /** One at the same local address shares that with its predecessor; with the same peer, too, it is the same socket. */
    private static Fd socket(InetSocketAddress peer, @Nullable InetSocketAddress local, @Nullable UdpChardev old)
            throws PosixException {
        if (old == null || local == null || addressOf(old.fd, false).getPort() != local.getPort()) {
            return Datagrams.open(local, peer, null);
        }
        InetAddress at = addressOf(old.fd, false).getAddress();
        boolean sameLocal = at.equals(local.getAddress()) || local.getAddress().isAnyLocalAddress();
        if (sameLocal && addressOf(old.fd, true).equals(peer)) {
            return old.fd.duplicate();
        }
        return Datagrams.open(local, peer, old.fd);
    }

    private static boolean isSameSocket(Fd one, Fd other) {
        return addressOf(one, false).equals(addressOf(other, false))
                && addressOf(one, true).equals(addressOf(other, true));
    }

    private static InetSocketAddress addressOf(Fd fd, boolean peer) {
        try {
            InetSocketAddress address = peer ? Sockets.peerAddress(fd) : Sockets.localAddress(fd);
            return address == null ? new InetSocketAddress(0) : address;
        } catch (PosixException e) {
            return new InetSocketAddress(0);
        }
    }

    @Override
    protected void begin(@Nullable Chardev predecessor) {
        if (sharesSocket && predecessor instanceof UdpChardev old) {
            takeRest(old);
        }
        try {
            watch = loop.watch(fd, Epoll.EPOLLIN | Epoll.EPOLLOUT | Epoll.EPOLLET, this::onReady);
        } catch (PosixException e) {
            failed("cannot watch the socket, no input", e);
        }
    }

    /** What the predecessor has read and not fed yet comes first here. */
    private void takeRest(UdpChardev old) {
        long swapped = rest;
        rest = old.rest;
        old.rest = swapped;
        restBytes = old.restBytes;
        restFed = old.restFed;
        old.restBytes = 0;
        old.restFed = 0;
    }

    @Override
    public String filename() {
        return "udp";
    }

    @Override
    public boolean takesOutput() {
        return true;
    }

    private void onReady(int events) {
        if ((events & Epoll.EPOLLOUT) != 0) {
            writable = true;
            if (waitsForRoom) {
                waitsForRoom = false;
                writable();
            }
        }
        if ((events & (Epoll.EPOLLIN | Epoll.EPOLLERR)) != 0) {
            readable = true;
            pump();
        }
    }

    // --- input

    @Override
    protected void acceptInput() {
        if (readable || restFed < restBytes) {
            pumpTask.schedule();
        }
    }

    private void pump() {
        for (int reads = 0; readable || restFed < restBytes; reads++) {
            IoVector buffers = receiveBuffers();
            if (buffers.isEmpty()) {
                return; // until acceptInput
            }
            if (reads == READS_PER_TURN) {
                pumpTask.schedule();
                return;
            }
            try {
                if (restFed < restBytes) {
                    feed(buffers);
                } else {
                    readDatagram(buffers);
                }
            } catch (MemoryFaultException e) {
                buffersGone(e);
                return;
            }
        }
    }

    private void feed(IoVector buffers) {
        int n;
        try {
            n = buffers.copyFrom(rest + restFed, restBytes - restFed);
        } catch (InternalError e) {
            throw new MemoryFaultException("copy");
        }
        restFed += n;
        received(n);
    }

    /** The kernel fills the front-end's buffers first, then ours: no datagram is longer than both together. */
    private void readDatagram(IoVector buffers) {
        int taken = Math.min(buffers.segments(), IoVector.MAX_SEGMENTS_PER_CALL - 1);
        ranges.clear();
        for (int i = 0; i < taken; i++) {
            ranges.add(buffers.segmentAddress(i), buffers.segmentBytes(i));
        }
        long room = ranges.bytes();
        ranges.add(rest, Datagrams.MAX_BYTES);
        long n;
        try {
            n = Posix.readv(fd, ranges);
        } catch (PosixException e) {
            return; // the answer to something sent earlier: nobody was there; the kernel has forgotten it by now
        }
        if (n == Posix.WOULD_BLOCK) {
            readable = false;
            return;
        }
        restFed = 0;
        restBytes = (int) Math.max(0, n - room);
        if (n > 0) {
            received(Math.min(n, room));
        }
    }

    // --- output

    @Override
    protected long write(IoVector data) {
        if (data.bytes() <= maxBytes && data.segments() <= IoVector.MAX_SEGMENTS_PER_CALL) {
            return send(data) ? data.bytes() : 0;
        }
        long sent = 0;
        while (sent < data.bytes()) {
            part.clear();
            part.addPart(data, sent, maxBytes);
            while (part.segments() > IoVector.MAX_SEGMENTS_PER_CALL) {
                part.truncate(part.segmentBytes(part.segments() - 1));
            }
            if (!send(part)) {
                return sent;
            }
            sent += part.bytes();
        }
        return sent;
    }

    /** Sends one datagram, perhaps into the void; false if it has to wait. */
    private boolean send(IoVector datagram) {
        if (writable) {
            try {
                writable = sendOnce(datagram);
            } catch (PosixException e) {
                failed("datagrams are lost", e);
                return true;
            }
        }
        waitsForRoom |= !writable;
        return writable;
    }

    private boolean sendOnce(IoVector datagram) throws PosixException {
        try {
            return Posix.writev(fd, datagram) != Posix.WOULD_BLOCK;
        } catch (PosixException e) {
            if (e.errno() != Errno.ECONNREFUSED) {
                throw e;
            }
        }
        try {
            return Posix.writev(fd, datagram) != Posix.WOULD_BLOCK; // the refusal was the answer to an earlier one
        } catch (PosixException e) {
            if (e.errno() != Errno.ECONNREFUSED) {
                throw e;
            }
            return true;
        }
    }

    private void failed(String what, PosixException failure) {
        if (!failing) {
            failing = true; // once is enough: datagrams may be lost at any time
            LOG.log(Level.WARNING, what + ": chardev=" + id() + " error=" + failure.getMessage());
        }
    }

    @Override
    public void close() {
        pumpTask.cancel();
        if (watch != null) {
            watch.close();
            watch = null;
        }
        fd.close();
        ranges.close();
        part.close();
        NativeMemory.free(rest);
        rest = 0;
    }
}
