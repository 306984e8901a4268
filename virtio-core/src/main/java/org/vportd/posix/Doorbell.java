package org.vportd.posix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A descriptor of another process through which the two wake each other: an eventfd as a rule, a pipe or a stream socket
 * with some front-ends. Ringing writes eight bytes if there is room and does not wait, whatever the mode of the descriptor,
 * which belongs to both and can change at any time; listening leaves an eventfd unread, for its events are watched as changes, and empties the others.
 */
public final class Doorbell implements AutoCloseable {
    private static final int POLLIN = 1;
    private static final int POLLOUT = 4;
    private static final int POLLFD_LENGTH = 8;
    private static final int POLLFD_EVENTS_OFFSET = 4;
    private static final int POLLFD_REVENTS_OFFSET = 6;
    private static final int DRAIN_LENGTH = 512;
    private static final int MAX_DRAINS = 16;

    private enum Kind {
        EVENTFD,
        PIPE,
        SOCKET
    }

    private final Fd fd;
    private final Kind kind;
    private final long buffer;
    private boolean dead;

    private Doorbell(Fd fd, Kind kind) throws PosixException {
        this.fd = fd;
        this.kind = kind;
        this.buffer = NativeMemory.allocate(Long.BYTES + POLLFD_LENGTH + DRAIN_LENGTH);
        NativeMemory.putLong(buffer, 1);
        NativeMemory.putInt(buffer + Long.BYTES, fd.value());
    }

    /**
     * Takes ownership of a descriptor.
     *
     * @return the bell, or null if the descriptor is none of the three kinds; it stays the caller's then
     */
    public static @Nullable Doorbell of(Fd fd) throws PosixException {
        FileStatus status = FileStatus.of(fd);
        if (status.isPipe()) {
            return new Doorbell(fd, Kind.PIPE);
        }
        if (status.isSocket()) {
            return Sockets.isStream(fd) ? new Doorbell(fd, Kind.SOCKET) : null;
        }
        return status.isAnonymous() && isEventFd(fd) ? new Doorbell(fd, Kind.EVENTFD) : null;
    }

    private static boolean isEventFd(Fd fd) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd.value()))
                    .toString()
                    .contains("[eventfd]");
        } catch (IOException e) {
            return false;
        }
    }

    /** The descriptor, still owned by this object. To be watched with {@link Epoll#EPOLLET}. */
    public Fd fd() {
        return fd;
    }

    /** Wakes the other process. If it has not looked since the bell's buffer was full, it will anyway. */
    public void ring() {
        if (dead) {
            return;
        }
        try {
            if (kind == Kind.SOCKET) {
                Sockets.send(fd, buffer, Long.BYTES);
            } else if (isReady(POLLOUT)) {
                Posix.write(fd, buffer, Long.BYTES);
            }
        } catch (PosixException e) {
            dead = true; // nobody listens any more
        }
    }

    private boolean isReady(int wanted) throws PosixException {
        long pollfd = buffer + Long.BYTES;
        NativeMemory.putShort(pollfd + POLLFD_EVENTS_OFFSET, (short) wanted);
        Posix.check("poll", LibC.C.poll(pollfd, 1, 0));
        return (NativeMemory.getShort(pollfd + POLLFD_REVENTS_OFFSET) & wanted) != 0;
    }

    /**
     * Makes room for further rings, after the descriptor was reported readable.
     *
     * @return whether there can be any: false once the other end is closed
     */
    public boolean answer() {
        if (kind == Kind.EVENTFD) {
            return true;
        }
        try {
            for (int i = 0; i < MAX_DRAINS; i++) {
                long n = drain();
                if (n < DRAIN_LENGTH) {
                    return n != 0;
                }
            }
            return true;
        } catch (PosixException e) {
            return false;
        }
    }

    private long drain() throws PosixException {
        long to = buffer + Long.BYTES + POLLFD_LENGTH;
        if (kind == Kind.SOCKET) {
            return Sockets.receive(fd, to, DRAIN_LENGTH);
        }
        return !isReady(POLLIN) ? Posix.WOULD_BLOCK : Posix.read(fd, to, DRAIN_LENGTH);
    }

    @Override
    public void close() {
        if (fd.isOpen()) {
            fd.close();
            NativeMemory.free(buffer);
        }
    }
}
