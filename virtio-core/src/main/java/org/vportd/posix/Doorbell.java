package org.vportd.posix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A descriptor of another process through which the two wake each other: an eventfd as a rule, a pipe or a stream socket
 * with some front-ends. Ringing writes eight bytes and never waits, whatever the mode of the descriptor, which belongs to
 * both; listening leaves an eventfd unread, for its events are watched as changes, and empties the others.
 */
public final class Doorbell implements AutoCloseable {
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
    private final boolean mayWait;
    private final long buffer;
    private final IoVector drain = new IoVector();
    private boolean dead;

    private Doorbell(Fd fd, Kind kind) throws PosixException {
        this.fd = fd;
        this.kind = kind;
        this.mayWait = !Posix.isNonBlocking(fd);
        this.buffer = NativeMemory.allocate(Long.BYTES + POLLFD_LENGTH + DRAIN_LENGTH);
        NativeMemory.putLong(buffer, 1);
        NativeMemory.putInt(buffer + Long.BYTES, fd.value());
        NativeMemory.putShort(buffer + Long.BYTES + POLLFD_EVENTS_OFFSET, (short) POLLOUT);
        drain.add(buffer + Long.BYTES + POLLFD_LENGTH, DRAIN_LENGTH);
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
            } else if (!mayWait || hasRoom()) {
                Posix.write(fd, buffer, Long.BYTES);
            }
        } catch (PosixException e) {
            dead = true; // nobody listens any more
        }
    }

    private boolean hasRoom() throws PosixException {
        Posix.check("poll", LibC.C.poll(buffer + Long.BYTES, 1, 0));
        return (NativeMemory.getShort(buffer + Long.BYTES + POLLFD_REVENTS_OFFSET) & POLLOUT) != 0;
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
                long n = Posix.readNoWait(fd, drain.address());
                if (n == 0) {
                    return false;
                }
                if (n < DRAIN_LENGTH) {
                    break;
                }
            }
            return true;
        } catch (PosixException e) {
            return false;
        }
    }

    @Override
    public void close() {
        if (fd.isOpen()) {
            fd.close();
            drain.close();
            NativeMemory.free(buffer);
        }
    }
}
