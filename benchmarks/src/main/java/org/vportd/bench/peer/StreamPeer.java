package org.vportd.bench.peer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
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
public final class StreamPeer implements Peer {
    private static final int CHUNK_BYTES = 256 * 1024;
    private static final int WAIT_MS = 100;
    private static final long JOIN_MS = 3000;

    private final List<Fd> fds;
    private final Role role;
    private final Thread thread;
    private final CountDownLatch started = new CountDownLatch(1);
    private final AtomicLong bytes = new AtomicLong();
    private volatile Path task = Path.of("/proc/self");
    private volatile boolean closing;

    /** Starts one, which owns the descriptors from here on. */
    public StreamPeer(List<Fd> fds, Role role) throws PosixException {
        this.fds = List.copyOf(fds);
        this.role = role;
        for (Fd fd : fds) {
            Posix.setNonBlocking(fd, fds.size() > 1);
        }
        this.thread = new Thread(this::run, "peer-" + role);
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        long buffer = NativeMemory.allocate(CHUNK_BYTES);
        try {
            task = Path.of("/proc").resolve(Files.readSymbolicLink(Path.of("/proc/thread-self")));
            started.countDown();
            if (fds.size() > 1) {
                serveAll(buffer);
            } else if (role == Role.ECHO) {
                echo(fds.get(0), buffer);
            } else {
                serve(fds.get(0), buffer);
            }
        } catch (IOException e) {
            // the other end has gone
        } finally {
            started.countDown();
            NativeMemory.free(buffer);
        }
    }

    private void serve(Fd fd, long buffer) throws PosixException {
        long done = 0;
        long n = 1;
        while (n > 0 && !closing) {
            n = role == Role.GIVE ? Posix.write(fd, buffer, CHUNK_BYTES) : Posix.read(fd, buffer, CHUNK_BYTES);
            done += n;
            bytes.lazySet(done);
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
        boolean gives = role == Role.GIVE;
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
                bytes.lazySet(done);
            }
        }
    }

    @Override
    public long bytes() {
        return bytes.get();
    }

    @Override
    public Path task() throws IOException {
        try {
            if (started.await(JOIN_MS, TimeUnit.MILLISECONDS)) {
                return task;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new IOException("thread has not started: role=" + role);
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
        try {
            thread.join(JOIN_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!thread.isAlive()) {
            fds.forEach(Fd::close);
        }
    }
}
