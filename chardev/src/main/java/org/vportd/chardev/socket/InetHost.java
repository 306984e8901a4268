package org.vportd.chardev.socket;

import java.util.concurrent.TimeUnit;
import org.vportd.loop.EventLoop;

/**
 * A host and a port as the user names them.
 *
 * @param host a name or number; empty means this machine, or any address when listening
 * @param family the kinds of address that will do
 * @param isNumeric whether the name service is not to be asked
 */
public record InetHost(String host, int port, InetFamily family, boolean isNumeric) {
    private static final long STARTING_PATIENCE_NS = TimeUnit.SECONDS.toNanos(10);
    private static final long RUNNING_PATIENCE_NS = TimeUnit.SECONDS.toNanos(1);

    /**
     * How long somebody who opens a chardev may be made to wait for another machine. A program that serves already would
     * let its guest wait, too: it gets a second. Whoever cannot be sure that this suffices uses {@code reconnect-ms}.
     */
    public static long patienceNs(EventLoop loop) {
        return loop.isRunning() ? RUNNING_PATIENCE_NS : STARTING_PATIENCE_NS;
    }

    /** {@code host:port}, with brackets where the host has colons of its own. */
    @Override
    public String toString() {
        return text(host, String.valueOf(port));
    }

    /** The same with the port as the user wrote it. */
    static String text(String host, String port) {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
