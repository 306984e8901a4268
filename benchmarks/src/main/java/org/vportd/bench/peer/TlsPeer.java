package org.vportd.bench.peer;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/** A TLS client that takes or gives. */
public final class TlsPeer implements Peer {
    private static final int CHUNK_BYTES = 256 * 1024;
    private static final int TIMEOUT_MS = 5000;

    private final SSLSocket socket;
    private final Role role;
    private final Thread thread;
    private final CountDownLatch started = new CountDownLatch(1);
    private final AtomicLong bytes = new AtomicLong();
    private volatile Path task = Path.of("/proc/self");

    /** Connects and shakes hands; any certificate will do. */
    public TlsPeer(String where, Role role, SSLContext context) throws IOException {
        this.role = role;
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
        this.thread = new Thread(this::run, "peer-tls-" + role);
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        byte[] chunk = new byte[CHUNK_BYTES];
        try {
            task = Path.of("/proc").resolve(Files.readSymbolicLink(Path.of("/proc/thread-self")));
            started.countDown();
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            long done = 0;
            int n = role == Role.GIVE ? chunk.length : in.read(chunk);
            while (n > 0) {
                if (role != Role.TAKE) {
                    out.write(chunk, 0, n);
                }
                done += n;
                bytes.lazySet(done);
                n = role == Role.GIVE ? chunk.length : in.read(chunk);
            }
        } catch (IOException e) {
            // the other end has gone
        } finally {
            started.countDown();
        }
    }

    @Override
    public long bytes() {
        return bytes.get();
    }

    @Override
    public Path task() throws IOException {
        try {
            if (started.await(TIMEOUT_MS, TimeUnit.MILLISECONDS)) {
                return task;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new IOException("thread has not started: role=" + role);
    }

    @Override
    public void close() {
        try {
            socket.close();
            thread.join(TIMEOUT_MS);
        } catch (IOException e) {
            // it had gone before
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
