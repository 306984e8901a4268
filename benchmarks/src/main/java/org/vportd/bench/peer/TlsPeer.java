package org.vportd.bench.peer;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/** A TLS client that takes or gives. */
public final class TlsPeer extends Peer {
    private static final int CHUNK_BYTES = 256 * 1024;
    private static final int TIMEOUT_MS = 5000;

    private final SSLSocket socket;

    /** Connects and shakes hands; any certificate will do. */
    public TlsPeer(String where, Role role, SSLContext context) throws IOException {
        super("peer-tls-", role);
        InetSocketAddress address = Connector.address(where);
        Socket wire = new Socket();
        try {
            wire.connect(address, TIMEOUT_MS);
            wire.setTcpNoDelay(true);
            this.socket =
                    (SSLSocket) context.getSocketFactory().createSocket(wire, "localhost", address.getPort(), true);
            socket.setSoTimeout(TIMEOUT_MS);
            socket.startHandshake();
            socket.setSoTimeout(0);
        } catch (IOException e) {
            wire.close();
            throw e;
        }
        start();
    }

    @Override
    void serve() throws IOException {
        byte[] chunk = new byte[CHUNK_BYTES];
        boolean gives = role() == Role.GIVE;
        InputStream in = socket.getInputStream();
        OutputStream out = socket.getOutputStream();
        long done = 0;
        int n = gives ? chunk.length : in.read(chunk);
        while (n > 0) {
            if (role() != Role.TAKE) {
                out.write(chunk, 0, n);
            }
            done += n;
            moved(done);
            n = gives ? chunk.length : in.read(chunk);
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // it had gone before
        }
        join();
    }
}
