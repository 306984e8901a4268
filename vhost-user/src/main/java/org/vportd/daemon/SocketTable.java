package org.vportd.daemon;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.socket.SocketChardev;
import org.vportd.monitor.SocketControl;
import org.vportd.posix.Fd;

/** The chardevs that are sockets, for monitors. Loop thread only. */
final class SocketTable implements SocketControl {
    @Override
    public boolean isSocket(Chardev chardev) {
        return chardev instanceof SocketChardev;
    }

    /** What is spoken over the connection is up to the chardev alone, as in QEMU. */
    @Override
    public boolean addClient(Chardev socket, Fd client, boolean skipAuthentication, @Nullable Boolean tls) {
        try {
            ((SocketChardev) socket).addClient(client);
            return true;
        } catch (ConfigException e) {
            return false;
        }
    }

    @Override
    public void yank(Chardev socket) {
        ((SocketChardev) socket).disconnect();
    }

    @Override
    public Map<String, Object> address(Chardev socket) {
        return ((SocketChardev) socket).address();
    }
}
