package org.vportd.chardev.socket;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ByteStream;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ConfigException;
import org.vportd.loop.EventLoop;

/** The protocols that can be spoken over the connections of sockets. Loop thread only. */
public interface SocketLayers {
    /** None at all. */
    SocketLayers NONE = new SocketLayers() {};

    /** One protocol of one chardev, to be spoken over each of its connections. */
    @FunctionalInterface
    interface Layer {
        /**
         * Puts the protocol over a stream that is not made yet.
         *
         * @param name whose connection it is, for the log
         */
        ByteStream.Opener over(ByteStream.Opener beneath, EventLoop loop, String name);

        /** Keeps what it refers to, such as credentials, from being removed: there is a chardev that uses it. */
        default void acquire() {}

        /** Undoes {@link #acquire}. */
        default void release() {}
    }

    /**
     * What TLS is to be spoken with.
     *
     * @param credentials the object that {@link SocketLayers#isTlsCredentials} knows
     * @param authorization the id of the object that decides who may connect, or null
     * @param server whether this end is the server
     * @param host the name the peer's certificate has to have, empty if this end is the server
     * @param services where that object is found
     */
    record TlsRequest(
            Object credentials,
            @Nullable String authorization,
            boolean server,
            String host,
            ChardevServices services) {}

    /** Whether an object is credentials for TLS. */
    default boolean isTlsCredentials(Object object) {
        return false;
    }

    /**
     * TLS, the lowest layer.
     *
     * @throws ConfigException if the credentials do not fit this end
     */
    default Layer tls(TlsRequest request) throws ConfigException {
        throw new ConfigException("'tls-creds' option is not supported");
    }

    /** The server's end of a websocket, over TLS if that is spoken. */
    default Layer websocket() throws ConfigException {
        throw new ConfigException("'websocket' option is not supported");
    }

    /**
     * The server's end of telnet, the topmost layer.
     *
     * @param tn3270 whether its binary mode for 3270 terminals
     */
    default Layer telnet(boolean tn3270) throws ConfigException {
        throw new ConfigException("'" + (tn3270 ? "tn3270" : "telnet") + "' option is not supported");
    }
}
