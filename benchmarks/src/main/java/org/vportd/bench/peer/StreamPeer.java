package org.vportd.bench.peer;

import java.io.IOException;
import java.util.List;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/**
 * A thread at the other end of one or several descriptors: takes all that comes, gives as fast as it is taken, or echoes.
 * The same code serves the daemon and the plain loop. With one descriptor its calls wait; with several it waits for all.
 */
public final class StreamPeer extends Peer {
    private static final int CHUNK_BYTES = 256 * 1024;
    private static final int WAIT_MS = 100;

    private final List<Fd> fds;
    private volatile boolean closing;

    /** Starts one, which owns the descriptors from here on. */
    public StreamPeer(List<Fd> fds, Role role) throws PosixException {
        super("peer-", role);
        this.fds = List.copyOf(fds);
        for (Fd fd : fds) {
            Posix.setNonBlocking(fd, fds.size() > 1);
        }
        start();
    }

    @Override
    void serve() throws IOException {
        long buffer = NativeMemory.allocate(CHUNK_BYTES);
        try {
            if (fds.size() > 1) {
                serveAll(buffer);
            } else if (role() == Role.ECHO) {
                echo(fds.get(0), buffer);
            } else {
                serve(fds.get(0), buffer);
            }
        } finally {
            NativeMemory.free(buffer);
        }
    }

    private void serve(Fd fd, long buffer) throws PosixException {
        long done = 0;
        boolean gives = role() == Role.GIVE;
        long n = 1;
        while (n > 0 && !closing) {
            n = gives ? Posix.write(fd, buffer, CHUNK_BYTES) : Posix.read(fd, buffer, CHUNK_BYTES);
            done += n;
            moved(done);
        }
    }

    private void echo(Fd fd, long buffer) throws PosixException {
        long n = Posix.read(fd, buffer, CHUNK_BYTES);
        while (n > 0 && !closing) {
            Posix.write(fd, buffer, n);
            n = Posix.read(fd, buffer, CHUNK_BYTES);
        }
    }

    private void serveAll(long buffer) throws PosixException {
        long done = 0;
        boolean gives = role() == Role.GIVE;
        try (Epoll epoll = new Epoll(fds.size())) {
            for (int i = 0; i < fds.size(); i++) {
                epoll.add(fds.get(i), gives ? Epoll.EPOLLOUT : Epoll.EPOLLIN, i);
            }
            while (!closing) {
                int ready = epoll.await(WAIT_MS);
                for (int i = 0; i < ready; i++) {
                    Fd fd = fds.get((int) epoll.dataAt(i));
                    long n = gives ? Posix.write(fd, buffer, CHUNK_BYTES) : Posix.read(fd, buffer, CHUNK_BYTES);
                    if (n == 0) {
                        return;
                    }
                    done += Math.max(0, n);
                }
                moved(done);
            }
        }
    }

    /** Ends the thread: call it after the other end was closed, as a call that waits ends by nothing else. */
    @Override
    public void close() {
        closing = true;
        for (Fd fd : fds) {
            try {
                Sockets.shutdownOutput(fd);
            } catch (PosixException e) {
                // no socket, or not connected any more
            }
        }
        if (join()) {
            fds.forEach(Fd::close);
        }
    }
}
