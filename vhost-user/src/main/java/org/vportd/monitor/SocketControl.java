package org.vportd.monitor;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.posix.Fd;

/** What can be done to chardevs that are sockets, and to no others. */
public interface SocketControl {
    /** Whether a chardev is one. */
    boolean isSocket(Chardev chardev);

    /**
     * Has a connection used as if it had come in by itself.
     *
     * @param client owned by whoever implements this from here on, also if the answer is no
     * @param skipAuthentication whether the client is let in without proof of who it is
     * @param tls whether TLS is spoken over it; null: as for others
     * @return whether the chardev took it: it has no connection yet
     */
    boolean addClient(Chardev socket, Fd client, boolean skipAuthentication, @Nullable Boolean tls);

    /** Cuts the connection of a socket, if there is one, whatever it is waiting for. */
    void yank(Chardev socket);

    /** The address it listens at or connects to, as {@code SocketAddress} has it: {@code type} and what belongs to it. */
    Map<String, Object> address(Chardev socket);
}
