package org.vportd.posix;

import java.net.Inet6Address;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** UDP sockets for one peer each. They never wait; data goes through {@link Posix}, one datagram a call. */
public final class Datagrams {
    /** More than any datagram can carry. */
    public static final int MAX_BYTES = 65536;

    private static final int SOCK_DGRAM = 2;

    private Datagrams() {}

    /**
     * Makes a socket that exchanges datagrams with one peer and hears nobody else.
     *
     * @param local the address to be bound to, null for any; the family is the peer's
     * @param present a socket that has that address and keeps it, null if nobody is known to
     */
    public static Fd open(@Nullable InetSocketAddress local, InetSocketAddress peer, @Nullable Fd present)
            throws PosixException {
        Fd fd = Sockets.open(Sockets.familyOf(peer), SOCK_DGRAM, 0);
        try {
            if (peer.getAddress() instanceof Inet6Address) {
                Sockets.setV6Only(fd);
            }
            if (local != null) {
                bind(fd, local, present);
            }
            Sockets.withAddress(peer, (at, length) -> Posix.check("connect", LibC.C.connect(fd.value(), at, length)));
            return fd;
        } catch (PosixException e) {
            fd.close();
            throw e;
        }
    }

    /** Both sockets allow it for this moment only: afterwards the address is as exclusive as before. */
    private static void bind(Fd fd, InetSocketAddress local, @Nullable Fd present) throws PosixException {
        if (present == null) {
            bind(fd, local);
            return;
        }
        Sockets.setReusable(present, true);
        try {
            Sockets.setReusable(fd, true);
            bind(fd, local);
            Sockets.setReusable(fd, false);
        } finally {
            Sockets.setReusable(present, false);
        }
    }

    private static void bind(Fd fd, InetSocketAddress local) throws PosixException {
        Sockets.withAddress(local, (at, length) -> Posix.check("bind", LibC.C.bind(fd.value(), at, length)));
    }
}
