package org.vportd.chardev.layer;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ByteStream;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;

/**
 * What is spoken over a connection: from the wire up TLS, WebSocket and telnet, each if it is wanted.
 *
 * @param server whether this end has waited for the other; a client speaks neither WebSocket nor telnet
 * @param telnet what to speak to terminals, or null for plain bytes
 * @param webSocket whether to speak WebSocket
 * @param tls how to speak TLS, or null to do without
 */
public record StreamProtocols(
        boolean server,
        TelnetStream.@Nullable Mode telnet,
        boolean webSocket,
        @Nullable TlsSettings tls) {
    /** How long a peer may take to agree on all of them. */
    public static final int HANDSHAKE_SECONDS = 30;

    /** Nothing: bytes as they are. */
    public static final StreamProtocols NONE = new StreamProtocols(true, null, false, null);

    /** Keeps what they refer to from being removed: there is somebody who speaks them. */
    public void acquire() {
        if (tls != null) {
            tls.acquire();
        }
    }

    /** Undoes {@link #acquire}. */
    public void release() {
        if (tls != null) {
            tls.release();
        }
    }

    /**
     * Stacks the protocols. The stream that is opened is ready once all of them have agreed with the peer; it ends without
     * having been ready if one does not, or not within {@value #HANDSHAKE_SECONDS} seconds.
     *
     * @param connection opens the connection itself
     * @param name whose connection it is, for the log
     */
    public ByteStream.Opener over(ByteStream.Opener connection, EventLoop loop, String name) {
        return over(connection, loop, name, null);
    }

    /** Whether another process can go on in the middle of it: nobody but this one knows the keys of TLS. */
    public boolean canMove() {
        return tls == null && !(server && webSocket);
    }

    /**
     * The same, perhaps in the middle of it.
     *
     * @param inherited what the stream of another process has put in, null if there was none
     */
    public ByteStream.Opener over(
            ByteStream.Opener connection, EventLoop loop, String name, @Nullable Parcel inherited) {
        ByteStream.Opener top = connection;
        if (tls != null) {
            top = TlsStream.over(top, loop, name, tls);
        }
        if (server && webSocket) {
            top = WebSocketStream.over(top, loop, name);
        }
        if (server && telnet != null) {
            top = TelnetStream.over(top, loop, name, telnet, inherited);
        }
        return top;
    }
}
