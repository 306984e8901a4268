package org.vportd.posix;

/** Tells when somebody opens certain files. The descriptor is for an event loop; one thread. */
public final class Inotify implements AutoCloseable {
    private static final int IN_OPEN = 0x20;
    private static final int EVENTS_LENGTH = 4096;

    private final Fd fd;

    private Inotify(Fd fd) {
        this.fd = fd;
    }

    /**
     * Makes one that watches nothing yet.
     *
     * @throws PosixException with {@link Errno#EMFILE} if the user has too many of them
     */
    public static Inotify open() throws PosixException {
        return new Inotify(
                new Fd(Posix.check("inotify_init1", LibC.C.inotify_init1(Posix.O_NONBLOCK | Posix.O_CLOEXEC))));
    }

    /** Wants to know when a file is opened. */
    public void watchOpening(String path) throws PosixException {
        Posix.withPath("inotify_add_watch", path, name -> LibC.C.inotify_add_watch(fd.value(), name, IN_OPEN));
    }

    /** Readable when a file has been opened; still owned by this object. */
    public Fd fd() {
        return fd;
    }

    /** Takes note of all that has happened, so that {@link #fd()} is readable only after something new. */
    public void drain() throws PosixException {
        long events = NativeMemory.allocate(EVENTS_LENGTH);
        try {
            while (Posix.read(fd, events, EVENTS_LENGTH) > 0) {
                // which file it was does not matter
            }
        } finally {
            NativeMemory.free(events);
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
