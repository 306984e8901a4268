package org.vportd.chardev;

import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;

/**
 * Bytes both ways, as a connected chardev sees them: those of a descriptor ({@link FdStream}), or those within a protocol
 * that is spoken over another stream, of which it then is the owner. Loop thread only.
 */
public interface ByteStream extends AutoCloseable {
    /**
     * Writes what there is room for.
     *
     * @param data not consumed by this call
     * @return the bytes taken; if fewer than there are, {@link Owner#writable} or {@link Owner#ended} follows
     */
    long write(IoVector data);

    /** Looks for room again: input that was left with the peer is read, at the end of this turn at the earliest. */
    void acceptInput();

    /** Lets go of the peer. The owner hears nothing more. */
    @Override
    void close();

    /** Whoever uses a stream, normally a {@link Chardev} by its {@link Chardev.StreamOwner}. Any call may close the stream. */
    interface Owner {
        /** The buffers for input, empty if there is no room. */
        IoVector receiveBuffers();

        /** Input was read into them. */
        void received(long bytes);

        /** The memory of those buffers turned out to be gone; nothing was read. */
        void buffersGone(MemoryFaultException fault);

        /** Whether room will come; if not, a peer that has left is not waited for. */
        boolean isReceiving();

        /** There is room for output after a short write. */
        void writable();

        /**
         * There will be no more input: the peer has left, or reading or writing has failed. Called once, from the loop and
         * never from within {@link ByteStream#write}; the stream should be closed.
         */
        void ended();
    }
}
