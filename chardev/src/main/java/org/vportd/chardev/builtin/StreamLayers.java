package org.vportd.chardev.builtin;

import org.vportd.chardev.layer.TelnetStream;
import org.vportd.chardev.layer.WebSocketStream;
import org.vportd.chardev.socket.SocketLayers;

/** The protocols that the program speaks over the connections of sockets. */
final class StreamLayers implements SocketLayers {
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
