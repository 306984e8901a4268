package org.vportd.posix;

/**
 * A counter in the kernel that wakes whoever watches it: what kicks and calls travel through (vhost-user "Ring states").
 * {@link #signal} may be called from any thread.
 */
public final class EventFd implements AutoCloseable {
    private static final int EFD_NONBLOCK = Posix.O_NONBLOCK;

    private final Fd fd;
    private final long one;
    private final long value;

    private EventFd(Fd fd) {
        this.fd = fd;
        this.one = NativeMemory.allocate(Long.BYTES);
        this.value = NativeMemory.allocate(Long.BYTES);
        NativeMemory.putLong(one, 1);
    }

    /** Makes one whose calls never wait. */
    public static EventFd open(int initial) throws PosixException {
        return new EventFd(new Fd(Posix.check("eventfd", LibC.C.eventfd(initial, EFD_NONBLOCK | Posix.O_CLOEXEC))));
    }

    /** The descriptor, still owned by this object. */
    public Fd fd() {
        return fd;
    }

    /** Adds 1. A counter that is full is left alone: its reader has a wake-up pending already. */
    public void signal() throws PosixException {
        Posix.write(fd, one, Long.BYTES);
    }

    /** Takes the whole count; 0 if there was none. One thread at a time. */
    public long drain() throws PosixException {
        return Posix.read(fd, value, Long.BYTES) == Long.BYTES ? NativeMemory.getLong(value) : 0;
    }

    @Override
    public void close() {
        if (fd.isOpen()) {
            fd.close();
            NativeMemory.free(one);
            NativeMemory.free(value);
        }
    }
}
