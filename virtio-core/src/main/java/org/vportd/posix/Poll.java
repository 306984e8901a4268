package org.vportd.posix;

/** Looks at or waits for the state of one descriptor. For cold paths: it allocates, and waiting stops the thread. */
public final class Poll {
    /** There is something to read. */
    public static final int POLLIN = 1;
    /** There is room to write. */
    public static final int POLLOUT = 4;
    /** An error is pending; reported without being asked for. */
    public static final int POLLERR = 8;
    /** The other end is closed; reported without being asked for. */
    public static final int POLLHUP = 0x10;

    private static final int POLLFD_LENGTH = 8;
    private static final int EVENTS_OFFSET = 4;
    private static final int REVENTS_OFFSET = 6;

    private Poll() {}

    /** The state a descriptor is in now, in the bits above. */
    public static int now(Fd fd, int interest) throws PosixException {
        return await(fd, interest, 0);
    }

    /**
     * Waits for a state.
     *
     * @param timeoutMs how long at most
     * @return the bits that are set; 0 after the time or an interruption by a signal
     */
    public static int await(Fd fd, int interest, int timeoutMs) throws PosixException {
        long pollfd = NativeMemory.allocate(POLLFD_LENGTH);
        try {
            NativeMemory.putInt(pollfd, fd.value());
            NativeMemory.putShort(pollfd + EVENTS_OFFSET, (short) interest);
            if (LibC.C.poll(pollfd, 1, timeoutMs) < 0) {
                int errno = LibC.errno();
                if (errno != Errno.EINTR) {
                    throw new PosixException("poll", errno);
                }
                return 0;
            }
            return NativeMemory.getShort(pollfd + REVENTS_OFFSET);
        } finally {
            NativeMemory.free(pollfd);
        }
    }
}
