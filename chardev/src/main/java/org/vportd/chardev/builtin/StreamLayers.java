package org.vportd.chardev.builtin;

import org.vportd.chardev.ByteStream;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.layer.TelnetStream;
import org.vportd.chardev.layer.TlsSettings;
import org.vportd.chardev.layer.TlsStream;
import org.vportd.chardev.layer.WebSocketStream;
import org.vportd.chardev.secure.Authorization;
import org.vportd.chardev.secure.TlsCredentials;
import org.vportd.chardev.socket.SocketLayers;
import org.vportd.loop.EventLoop;

/** The protocols that the program speaks over the connections of sockets. */
final class StreamLayers implements SocketLayers {
    private record Tls(TlsSettings settings) implements Layer {
        @Override
        public ByteStream.Opener over(ByteStream.Opener beneath, EventLoop loop, String name) {
            return TlsStream.over(beneath, loop, name, settings);
        }

        @Override
        public void acquire() {
            settings.acquire();
        }

        @Override
        public void release() {
            settings.release();
        }
    }

    @Override
    public Layer tls(TlsRequest request) throws ConfigException {
        String id = request.credentials();
        String authorizer = request.authorization();
        return new Tls(new TlsSettings(
                TlsCredentials.of(request.services().object(id), id, request.server()),
                authorizer == null ? null : Authorization.of(request.services().object(authorizer), authorizer),
                request.server() ? null : request.host()));
    }

    @Override
    public Layer websocket() {
        return WebSocketStream::over;
    }

    @Override
    public Layer telnet(boolean tn3270) {
        TelnetStream.Mode mode = tn3270 ? TelnetStream.Mode.TN3270 : TelnetStream.Mode.TELNET;
        return (beneath, loop, name) -> TelnetStream.over(beneath, loop, name, mode);
    }
}
