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

final class BuiltinLayers implements SocketLayers {
    @Override
    public boolean isTlsCredentials(Object object) {
        return object instanceof TlsCredentials;
    }

    @Override
    public Layer tls(TlsRequest request) throws ConfigException {
        String authz = request.authorization();
        TlsSettings settings = new TlsSettings(
                TlsCredentials.of(request.credentials(), "", request.server()),
                authz == null ? null : Authorization.of(request.services().object(authz), authz),
                request.server() ? null : request.host());
        return new Layer() {
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
        };
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
