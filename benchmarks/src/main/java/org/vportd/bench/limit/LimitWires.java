package org.vportd.bench.limit;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.vportd.bench.peer.Certificates;
import org.vportd.bench.peer.Direction;
import org.vportd.bench.peer.Wire;
import org.vportd.posix.Fd;
import org.vportd.posix.Poll;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;
import org.vportd.posix.Terminals;

/**
 * The plain loop's end of the wires: opened in the way the daemon opens them, without anything that the daemon does not set.
 * Room for output is what the system gives, as programs with such a loop have it.
 */
final class LimitWires implements AutoCloseable {
    private static final int ACCEPT_MS = 10_000;

    private final LimitOptions options;
    private final List<Fd> listeners = new ArrayList<>();
    private final List<Fd> opened = new ArrayList<>();
    private final List<String> addresses = new ArrayList<>();
    private SSLServerSocket[] secure = {};

    private LimitWires(LimitOptions options) {
        this.options = options;
    }

    /** Listens, or opens what needs no peer. */
    static LimitWires open(LimitOptions options) throws IOException {
        LimitWires wires = new LimitWires(options);
        try {
            for (String where : options.where()) {
                wires.openOne(where);
            }
            return wires;
        } catch (IOException | RuntimeException e) {
            wires.close();
            throw e;
        }
    }

    private void openOne(String where) throws IOException {
        switch (options.wire()) {
            case UNIX, HUB -> {
                listeners.add(Sockets.listenUnix(where, 1));
                addresses.add(where);
            }
            case TCP -> {
                Fd listener = Sockets.listenTcp(new InetSocketAddress(InetAddress.getByName(where), 0), 1);
                listeners.add(listener);
                InetSocketAddress bound = Sockets.localAddress(listener);
                addresses.add(where + ":" + (bound == null ? 0 : bound.getPort()));
            }
            case TLS -> {
                SSLServerSocket listener = (SSLServerSocket) Certificates.server(Path.of(where))
                        .getServerSocketFactory()
                        .createServerSocket(0, 1, InetAddress.getLoopbackAddress());
                listener.setSoTimeout(ACCEPT_MS);
                secure = new SSLServerSocket[] {listener};
                addresses.add("127.0.0.1:" + listener.getLocalPort());
            }
            case PTY -> {
                Terminals.Pty pty = Terminals.openPty();
                opened.add(pty.master());
                addresses.add(pty.slavePath());
            }
            case PIPE -> {
                boolean transmits = options.direction() == Direction.TX;
                opened.add(Posix.open(where + (transmits ? ".out" : ".in"), Posix.O_RDWR, 0));
                addresses.add(where);
            }
            case FILE, NULL, RINGBUF -> {
                opened.add(Posix.open(where, Posix.O_WRONLY | Posix.O_CREAT | Posix.O_TRUNC, 0600));
                addresses.add(where);
            }
        }
    }

    /** Where the peers connect, by port. */
    List<String> addresses() {
        return addresses;
    }

    /** Waits for the peers and makes the loops, one a thread. */
    List<PlainLoop> connect() throws IOException {
        if (secure.length > 0) {
            SSLSocket socket = (SSLSocket) secure[0].accept();
            socket.setTcpNoDelay(true);
            socket.startHandshake();
            boolean transmits = options.direction() == Direction.TX;
            return List.of(new TlsLoop(socket, transmits, options.batch() * options.blockBytes()));
        }
        List<Fd> fds = new ArrayList<>(opened);
        opened.clear();
        for (Fd listener : listeners) {
            fds.add(accept(listener));
        }
        if (options.wire() == Wire.UNIX && options.batch() == 0) {
            Fd control = fds.remove(1);
            return List.of(EchoLoop.receive(control, fds.get(0), options.blockBytes(), options.waiting()));
        }
        for (Fd fd : fds) {
            Posix.setNonBlocking(fd, false);
        }
        if (options.wire() == Wire.HUB || (fds.size() == 1 && options.direction() == Direction.TX)) {
            return List.of(new PlainLoop.Write(fds, blocksToWrite()));
        }
        if (fds.size() == 1 && options.direction() == Direction.RX) {
            return List.of(new PlainLoop.Read(fds.get(0), blocksToRead()));
        }
        List<PlainLoop> loops = new ArrayList<>();
        int threads = Math.min(options.threads(), fds.size());
        for (int i = 0; i < threads; i++) {
            List<Fd> share = new ArrayList<>();
            for (int k = i; k < fds.size(); k += threads) {
                share.add(fds.get(k));
            }
            List<Blocks> out = new ArrayList<>();
            List<Blocks> in = new ArrayList<>();
            for (int k = 0; k < share.size(); k++) {
                out.add(blocksToWrite());
                in.add(blocksToRead());
            }
            loops.add(new ManyLoop(share, options.direction(), out, in));
        }
        return loops;
    }

    private Blocks blocksToWrite() throws IOException {
        return Blocks.toWrite(options.blockBytes(), options.blocks(), options.batch());
    }

    private Blocks blocksToRead() throws IOException {
        return Blocks.toRead(options.blockBytes(), options.blocks(), options.batch());
    }

    private Fd accept(Fd listener) throws IOException {
        Poll.await(listener, Poll.POLLIN, ACCEPT_MS);
        Fd fd = Sockets.accept(listener);
        if (fd == null) {
            throw new IOException("nobody has connected");
        }
        if (options.wire() == Wire.TCP) {
            Sockets.setNoDelay(fd, true);
        }
        return fd;
    }

    @Override
    public void close() {
        listeners.forEach(Fd::close);
        opened.forEach(Fd::close);
        for (SSLServerSocket listener : secure) {
            try {
                listener.close();
            } catch (IOException e) {
                // nothing that matters any more
            }
        }
    }
}
