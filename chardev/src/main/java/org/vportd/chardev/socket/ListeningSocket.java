package org.vportd.chardev.socket;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import org.vportd.handover.Parcel;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;
import org.vportd.posix.VsockAddress;

/**
 * A socket that listens, and the file it may have. Two of these can share one socket, so that whoever comes in the place of
 * another keeps the address and the clients that wait there; the file belongs to one of them, and goes over with {@link
 * #takeOver}.
 */
final class ListeningSocket implements AutoCloseable {
    private static final int BACKLOG = 1;
    private static final String FILE = "file";

    private final SocketAddress asked;
    private final Fd fd;
    private final @Nullable InetSocketAddress bound;
    private @Nullable UnixPath file;
    private @Nullable ListeningSocket origin;

    private ListeningSocket(SocketAddress asked, Fd fd, @Nullable UnixPath file, @Nullable ListeningSocket origin) {
        this.asked = asked;
        this.fd = fd;
        this.file = file;
        this.origin = origin;
        this.bound = boundTo(fd);
    }

    /** Where the kernel has it, null if that is no internet address; so a passed socket shows where it listens, too. */
    private static @Nullable InetSocketAddress boundTo(Fd fd) {
        try {
            return Sockets.localAddress(fd);
        } catch (PosixException e) {
            return null;
        }
    }

    /**
     * Listens at an address.
     *
     * @param present one to share if it is the same address, or null
     * @param patienceNs how long to wait for the name service at most
     * @throws ConfigException if the address cannot be had
     */
    static ListeningSocket open(
            SocketAddress asked, @Nullable ListeningSocket present, ChardevServices services, long patienceNs)
            throws ConfigException {
        if (asked instanceof SocketAddress.Passed passed && present != null && present.asked.equals(asked)) {
            Fd another = PassedSocket.takeIfThere(passed, services, true);
            return another == null ? present.shared(asked) : new ListeningSocket(asked, another, null, null);
        }
        if (present != null && present.isAt(asked, patienceNs)) {
            return present.shared(asked);
        }
        if (asked instanceof SocketAddress.Unix unix) {
            return listenUnix(unix);
        }
        if (asked instanceof SocketAddress.Inet inet) {
            return new ListeningSocket(asked, listenTcp(inet, patienceNs), null, null);
        }
        if (asked instanceof SocketAddress.Vsock vsock) {
            return new ListeningSocket(asked, listenVsock(vsock), null, null);
        }
        Fd fd = PassedSocket.take((SocketAddress.Passed) asked, services, true);
        return new ListeningSocket(asked, fd, null, null);
    }

    // --- handover

    /** Goes on with that of another process, and the clients that wait in it. */
    static ListeningSocket inherited(SocketAddress asked, Fd fd, Parcel from) {
        UnixPath file = from.has(FILE) ? UnixPath.inherited(from.parcel(FILE)) : null;
        return new ListeningSocket(asked, fd, file, null);
    }

    /** Puts in what {@link #inherited} needs besides the socket. */
    void pack(Parcel into) {
        if (file != null) {
            into.put(FILE, file.pack());
        }
    }

    /** Has the file left there. */
    void leave() {
        file = null;
    }

    // --- sharing

    private ListeningSocket shared(SocketAddress by) throws ConfigException {
        try {
            return new ListeningSocket(by, fd.duplicate(), null, this);
        } catch (PosixException e) {
            throw new OpenException("Failed to share the listening socket: " + e.errorText());
        }
    }

    private boolean isAt(SocketAddress wanted, long patienceNs) throws ConfigException {
        if (wanted instanceof SocketAddress.Unix unix && !unix.isAbstract()) {
            return file != null && file.isAt(unix.path().isEmpty() && asked.equals(wanted) ? file.path() : unix.path());
        }
        if (wanted instanceof SocketAddress.Inet inet) {
            return asked instanceof SocketAddress.Inet mine && bound != null && isAt(inet, mine, bound, patienceNs);
        }
        return asked.equals(wanted);
    }

    /** Whether an address is the file of this one, by whatever path. */
    boolean isFileAt(SocketAddress.Unix wanted) {
        return file != null && !wanted.isAbstract() && file.isAt(wanted.path());
    }

    private static boolean isAt(
            SocketAddress.Inet wanted, SocketAddress.Inet mine, InetSocketAddress bound, long patienceNs)
            throws ConfigException {
        boolean sameKind = wanted.isMultipath() == mine.isMultipath()
                && (!bound.getAddress().isAnyLocalAddress() || wanted.isV6Only() == mine.isV6Only());
        int port = wanted.host().port();
        boolean samePort =
                port == 0 ? mine.host().port() == 0 : bound.getPort() >= port && bound.getPort() <= wanted.lastPort();
        return sameKind && samePort && hosts(wanted, patienceNs).contains(bound.getAddress());
    }

    /** The one it is shared with is going to be closed: what is left of it, the file, passes over. */
    void takeOver() {
        if (origin != null) {
            file = origin.file;
            origin.file = null;
            origin = null;
        }
    }

    // --- binding

    private static ListeningSocket listenUnix(SocketAddress.Unix unix) throws ConfigException {
        if (unix.isAbstract()) {
            return new ListeningSocket(unix, listenAbstract(unix), null, null);
        }
        UnixPath.Bound made =
                unix.path().isEmpty() ? UnixPath.listenAnywhere(BACKLOG) : UnixPath.listen(unix.path(), BACKLOG);
        return new ListeningSocket(unix, made.listener(), made.file(), null);
    }

    private static Fd listenAbstract(SocketAddress.Unix unix) throws ConfigException {
        try {
            return UnixAddress.ofAbstract(unix.path(), unix.isTight()).listen(BACKLOG);
        } catch (PosixException e) {
            throw new OpenException("Failed to bind socket to " + unix.path() + ": " + e.errorText());
        } catch (IOException e) {
            throw new OpenException(String.valueOf(e.getMessage()));
        }
    }

    private static Fd listenVsock(SocketAddress.Vsock vsock) throws ConfigException {
        try {
            return new VsockAddress(vsock.cid(), vsock.port()).listen(BACKLOG);
        } catch (PosixException e) {
            throw e.errno() == Errno.EAFNOSUPPORT
                    ? new OpenException("socket family AF_VSOCK unsupported")
                    : new OpenException("Failed to bind socket to " + vsock.numbers() + ": " + e.errorText());
        }
    }

    private static Fd listenTcp(SocketAddress.Inet inet, long patienceNs) throws ConfigException {
        PosixException failure = new PosixException("bind", Errno.EADDRINUSE);
        List<InetAddress> hosts = hosts(inet, patienceNs);
        for (int port = inet.host().port(); port <= inet.lastPort(); port++) {
            for (InetAddress host : hosts) {
                try {
                    InetSocketAddress at = new InetSocketAddress(host, port);
                    return Sockets.listenTcp(at, BACKLOG, inet.isV6Only(), inet.isMultipath());
                } catch (PosixException e) {
                    failure = e;
                }
            }
        }
        throw new OpenException(
                "Failed to find an available port: " + failure.errorText(),
                failure.errno() == Errno.EPROTONOSUPPORT ? "this kernel has no mptcp" : "");
    }

    /** Where no host is given: one socket for both families if the system has IPv6, else any IPv4 address. */
    private static List<InetAddress> hosts(SocketAddress.Inet inet, long patienceNs) throws ConfigException {
        try {
            if (!inet.host().host().isEmpty()) {
                return InetResolver.resolve(inet.host(), patienceNs).stream()
                        .map(InetSocketAddress::getAddress)
                        .toList();
            }
            InetAddress any4 = InetAddress.getByName("0.0.0.0");
            InetAddress any6 = InetAddress.getByName("::");
            return switch (inet.host().family()) {
                case ANY -> List.of(any6, any4);
                case IPV4 -> List.of(any4);
                case IPV6 -> List.of(any6);
            };
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e); // those are numbers
        } catch (IOException e) {
            throw new OpenException(String.valueOf(e.getMessage()));
        }
    }

    /** The socket itself, still owned by this object. */
    Fd fd() {
        return fd;
    }

    /**
     * The address in the words of {@code query-chardev}, as the kernel knows it: with the port that was chosen.
     *
     * @param protocol see {@link SocketAddress#describe}
     */
    String description(String protocol) {
        if (bound != null) {
            return protocol + ":" + InetResolver.text(bound);
        }
        UnixPath path = file;
        if (path == null && origin != null) {
            path = origin.file;
        }
        return path == null ? asked.describe(protocol) : "unix:" + path.path();
    }

    /** Removes the file, unless that has passed to another one, and lets go of the socket. */
    @Override
    public void close() {
        if (file != null) {
            file.remove();
            file = null;
        }
        fd.close();
    }
}
