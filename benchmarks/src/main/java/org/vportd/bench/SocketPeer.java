package org.vportd.bench;

import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/** The other end of a socketpair, in a thread of its own: takes all that comes, or gives as fast as it is taken. */
final class SocketPeer implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 20;

    private final Fd fd;
    private final boolean gives;
    private final Thread thread;

    private SocketPeer(Fd fd, boolean gives) throws PosixException {
        Posix.setNonBlocking(fd, false);
        this.fd = fd;
        this.gives = gives;
        this.thread = new Thread(this::run, gives ? "bench-writer" : "bench-reader");
        thread.setDaemon(true);
        thread.start();
    }

    static SocketPeer reader(Fd fd) throws PosixException {
        return new SocketPeer(fd, false);
    }

    static SocketPeer writer(Fd fd) throws PosixException {
        return new SocketPeer(fd, true);
    }

    private void run() {
        long buffer = NativeMemory.allocate(CHUNK_BYTES);
        try {
            long n = 1;
            while (n > 0) {
                n = gives ? Posix.write(fd, buffer, CHUNK_BYTES) : Posix.read(fd, buffer, CHUNK_BYTES);
            }
        } catch (PosixException e) {
            // the benchmark has closed its end
        } finally {
            NativeMemory.free(buffer);
        }
    }

    /** Waits until the thread has seen that the benchmark closed its end. */
    @Override
    public void close() {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        fd.close();
    }
}
