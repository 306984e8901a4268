package org.vportd.posix;

/** An epoll instance with the buffer its events arrive in. One thread; allocates nothing after it is made. */
public final class Epoll implements AutoCloseable {
    /** There is something to read. */
    public static final int EPOLLIN = 1;
    /** There is room to write. */
    public static final int EPOLLOUT = 4;
    /** An error is pending; reported without being asked for. */
    public static final int EPOLLERR = 8;
    /** Both directions are closed; reported without being asked for. */
    public static final int EPOLLHUP = 0x10;
    /** The peer will send no more. */
    public static final int EPOLLRDHUP = 0x2000;
    /** Report changes instead of states. */
    public static final int EPOLLET = 1 << 31;

    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLL_CTL_MOD = 3;
    /** {@code struct epoll_event} is packed on x86-64 and nowhere else. */
    private static final boolean PACKED = System.getProperty("os.arch", "").matches("amd64|x86_64");

    private static final int EVENT_LENGTH = PACKED ? 12 : 16;
    private static final int DATA_OFFSET = PACKED ? 4 : 8;

    private final Fd fd;
    private final int capacity;
    private final long events;
    private final long change;

    /**
     * Makes an instance.
     *
     * @param capacity the most events one {@link #await} answers
     */
    public Epoll(int capacity) throws PosixException {
        this.fd = new Fd(Posix.check("epoll_create1", LibC.C.epoll_create1(Posix.O_CLOEXEC)));
        this.capacity = capacity;
        this.events = NativeMemory.allocate((long) capacity * EVENT_LENGTH);
        this.change = NativeMemory.allocate(EVENT_LENGTH);
    }

    /**
     * Starts watching a descriptor.
     *
     * @param data comes back with each of its events
     * @throws PosixException with {@link Errno#EPERM} for a file that has no readiness, such as a regular one
     */
    public void add(Fd watched, int interest, long data) throws PosixException {
        control(EPOLL_CTL_ADD, watched, interest, data);
    }

    /** Changes what is watched for. */
    public void modify(Fd watched, int interest, long data) throws PosixException {
        control(EPOLL_CTL_MOD, watched, interest, data);
    }

    /** Stops watching. */
    public void remove(Fd watched) throws PosixException {
        control(EPOLL_CTL_DEL, watched, 0, 0);
    }

    private void control(int operation, Fd watched, int interest, long data) throws PosixException {
        NativeMemory.putInt(change, interest);
        NativeMemory.putLong(change + DATA_OFFSET, data);
        Posix.check("epoll_ctl", LibC.C.epoll_ctl(fd.value(), operation, watched.value(), change));
    }

    /**
     * Waits for events.
     *
     * @param timeoutMs how long at most; 0 does not wait, -1 waits for ever
     * @return how many there are; 0 after the time or an interruption
     */
    public int await(int timeoutMs) throws PosixException {
        int n = LibC.C.epoll_wait(fd.value(), events, capacity, timeoutMs);
        if (n < 0) {
            int errno = LibC.errno();
            if (errno != Errno.EINTR) {
                throw new PosixException("epoll_wait", errno);
            }
            return 0;
        }
        return n;
    }

    /** The bits of one event of the last {@link #await}. */
    public int eventsAt(int index) {
        return NativeMemory.getInt(events + (long) index * EVENT_LENGTH);
    }

    /** The data of one event of the last {@link #await}. */
    public long dataAt(int index) {
        return NativeMemory.getLong(events + (long) index * EVENT_LENGTH + DATA_OFFSET);
    }

    @Override
    public void close() {
        if (fd.isOpen()) {
            fd.close();
            NativeMemory.free(events);
            NativeMemory.free(change);
        }
    }
}
