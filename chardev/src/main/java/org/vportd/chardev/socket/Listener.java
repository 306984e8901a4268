package org.vportd.chardev.socket;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;
import org.vportd.loop.Watch;
import org.vportd.posix.Epoll;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;

/**
 * A listening socket that accepts only while it is told to; clients wait in the kernel's queue otherwise. When descriptors
 * have run out it pauses by itself for a second.
 */
final class Listener implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Listener.class.getName());
    private static final int BACKLOG = 1;
    private static final long BACK_OFF_NS = TimeUnit.SECONDS.toNanos(1);

    private final EventLoop loop;
    private final Fd fd;
    private final String description;
    private final @Nullable UnixPath file;
    private final LoopTimer backOff;
    private final Consumer<Fd> accepted;
    private @Nullable Watch watch;
    private boolean failing;

    private Listener(EventLoop loop, Fd fd, String description, @Nullable UnixPath file, Consumer<Fd> accepted) {
        this.loop = loop;
        this.fd = fd;
        this.description = description;
        this.file = file;
        this.accepted = accepted;
        this.backOff = loop.timer(this::resume);
    }

    /**
     * Listens at an address; accepts nothing until {@link #resume}.
     *
     * @param accepted given each connection, which it then owns
     */
    static Listener open(EventLoop loop, SocketAddress address, Consumer<Fd> accepted) throws ConfigException {
        if (address instanceof SocketAddress.Unix unix && !unix.isAbstract()) {
            UnixPath.Bound bound = UnixPath.listen(unix.path(), BACKLOG);
            return new Listener(loop, bound.listener(), unix.describe(true), bound.file(), accepted);
        }
        if (address instanceof SocketAddress.Unix unix) {
            return new Listener(loop, listenAbstract(unix), unix.describe(true), null, accepted);
        }
        if (address instanceof SocketAddress.Inet inet) {
            Fd fd = listenTcp(inet);
            return new Listener(loop, fd, boundTo(fd, inet), null, accepted);
        }
        SocketAddress.Inherited inherited = (SocketAddress.Inherited) address;
        Fd fd = InheritedSocket.take(inherited, true);
        return new Listener(loop, fd, inherited.describe(true), null, accepted);
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

    private static Fd listenTcp(SocketAddress.Inet inet) throws ConfigException {
        PosixException failure = new PosixException("bind", Errno.EADDRINUSE);
        List<InetAddress> hosts = hosts(inet);
        for (int port = inet.port(); port <= inet.lastPort(); port++) {
            for (InetAddress host : hosts) {
                try {
                    boolean v6Only = inet.family() == SocketAddress.Family.IPV6;
                    return Sockets.listenTcp(new InetSocketAddress(host, port), BACKLOG, v6Only);
                } catch (PosixException e) {
                    failure = e;
                }
            }
        }
        throw new OpenException("Failed to find an available port: " + failure.errorText());
    }

    /** Where no host is given: one socket for both families if the system has IPv6, else any IPv4 address. */
    private static List<InetAddress> hosts(SocketAddress.Inet inet) throws ConfigException {
        try {
            if (!inet.host().isEmpty()) {
                return InetResolver.resolve(inet).stream()
                        .map(InetSocketAddress::getAddress)
                        .toList();
            }
            InetAddress any4 = InetAddress.getByName("0.0.0.0");
            InetAddress any6 = InetAddress.getByName("::");
            return switch (inet.family()) {
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

    private static String boundTo(Fd fd, SocketAddress.Inet inet) {
        try {
            InetSocketAddress local = Sockets.localAddress(fd);
            return local == null ? inet.describe(true) : "tcp:" + InetResolver.text(local) + ",server=on";
        } catch (PosixException e) {
            return inet.describe(true);
        }
    }

    /** The address in the words of {@code query-chardev}, with the port that the kernel chose. */
    String description() {
        return description;
    }

    /** Accepts from now on. */
    void resume() {
        if (watch != null) {
            return;
        }
        try {
            watch = loop.watch(fd, Epoll.EPOLLIN, events -> accept());
        } catch (PosixException e) {
            failed(e);
        }
    }

    /** Leaves clients in the queue from now on. */
    void pause() {
        backOff.cancel();
        if (watch != null) {
            watch.close();
            watch = null;
        }
    }

    private void accept() {
        try {
            Fd connection = Sockets.accept(fd);
            failing = false;
            if (connection != null) {
                accepted.accept(connection);
            }
        } catch (PosixException e) {
            failed(e);
        }
    }

    private void failed(PosixException failure) {
        pause();
        backOff.start(BACK_OFF_NS); // the client is still there: without a pause the loop would spin
        if (!failing) {
            failing = true;
            LOG.log(
                    Level.WARNING,
                    "cannot accept, trying on: address=" + description + " error=" + failure.getMessage());
        }
    }

    @Override
    public void close() {
        pause();
        if (file != null) {
            file.remove();
        }
        fd.close();
    }
}
