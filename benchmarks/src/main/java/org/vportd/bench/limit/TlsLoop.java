package org.vportd.bench.limit;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import javax.net.ssl.SSLSocket;

/** Java's own TLS socket, a batch of blocks a call. */
record TlsLoop(SSLSocket socket, boolean transmits, int batchBytes) implements PlainLoop {
    @Override
    public void run(Board board, int thread) throws IOException {
        byte[] batch = new byte[batchBytes];
        OutputStream out = socket.getOutputStream();
        InputStream in = socket.getInputStream();
        while (board.isRunning()) {
            int n = batch.length;
            if (transmits) {
                out.write(batch);
            } else {
                n = in.read(batch);
            }
            board.count(thread, n);
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // it had gone before
        }
    }
}
