package org.vportd.posix;

/**
 * Reads a UNIX stream socket into the ranges of a vector, and tells whether that was all. The end of what there is cannot be
 * seen from a short {@code readv} alone: one stops early, too, behind bytes that brought descriptors. Never waits; one
 * thread.
 */
public final class SocketInput implements AutoCloseable {
    private final Fd fd;
    private long header;
    private boolean exhausted;

    /** Reads from a socket that stays its owner's. */
    public SocketInput(Fd fd) {
        this.fd = fd;
        this.header = NativeMemory.allocate(MessageSocket.MSGHDR_LENGTH);
    }

    /**
     * Reads into the ranges, in order; descriptors that come along are dropped.
     *
     * @return as {@link Posix} says
     */
    public long read(IoVector into) throws PosixException {
        int segments = into.callSegments();
        NativeMemory.putLong(header + MessageSocket.IOV_OFFSET, into.address());
        NativeMemory.putLong(header + MessageSocket.IOVLEN_OFFSET, segments);
        while (true) {
            long n = LibC.C.recvmsg(fd.value(), header, MessageSocket.MSG_DONTWAIT);
            if (n >= 0) {
                boolean cut =
                        (NativeMemory.getInt(header + MessageSocket.FLAGS_OFFSET) & MessageSocket.MSG_CTRUNC) != 0;
                exhausted = !cut && n < into.bytes() && segments == into.segments();
                return n;
            }
            if (Posix.retryAfter("recvmsg", LibC.errno())) {
                return Posix.WOULD_BLOCK;
            }
        }
    }

    /** Whether the last read has met the end of what was there. */
    public boolean isExhausted() {
        return exhausted;
    }

    @Override
    public void close() {
        NativeMemory.free(header);
        header = 0;
    }
}
