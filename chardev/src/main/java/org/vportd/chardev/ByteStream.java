package org.vportd.chardev;

import java.util.List;
import org.vportd.handover.Parcel;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.PosixException;

/**
 * Bytes both ways, as a connected chardev sees them: those of a descriptor ({@link FdStream}), or those within a protocol
 * that is spoken over another stream, of which it then is the owner. Loop thread only.
 */
public interface ByteStream extends AutoCloseable {
    /** Makes a stream for its owner; one of a protocol makes the stream beneath it in turn. */
    interface Opener {
        /**
         * Opens a stream. What it is opened over is closed if this fails.
         *
         * @throws PosixException if the system refuses
         */
        ByteStream open(Owner owner) throws PosixException;
    }

    /** Whether bytes can pass: a protocol may have to agree on things first, and calls {@link Owner#ready} then. */
    default boolean isReady() {
        return true;
    }

    /**
     * Writes what there is room for.
     *
     * @param data not consumed by this call
     * @return the bytes taken; if fewer than there are, {@link Owner#writable} or {@link Owner#ended} follows
     */
    long write(IoVector data);

    /** Looks for room again: input that was left with the peer is read, at the end of this turn at the earliest. */
    void acceptInput();

    /** Puts in what is needed to go on in another process with what it is opened over. Nothing changes by that. */
    default void pack(Parcel into) {}

    /** Lets go of the peer without a word to it, as another process goes on. The owner hears nothing more. */
    default void abandon() {
        close();
    }

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

        /** Bytes can pass now; called once if {@link ByteStream#isReady} was false at first. */
        default void ready() {}

        /**
         * The two ends could not agree on a protocol, or one broke it; {@link #ended} follows. Who does not want to know
         * has it logged.
         *
         * @param name whose stream it is
         * @param reason for people
         */
        default void disagreed(String name, String reason) {
            System.getLogger(ByteStream.class.getName())
                    .log(System.Logger.Level.WARNING, "connection failed: chardev=" + name + " error=" + reason);
        }

        /** The peer has sent a break, see {@link ChardevEvent#BREAK}. */
        default void breakReceived() {}

        /** The peer has told the size of its window, in characters; 0 if it does not know. */
        default void resized(int columns, int rows) {}

        /** Whether {@link #resized} is of use; if not, a peer that does not tell by itself is not asked. */
        default boolean wantsSize() {
            return false;
        }

        /** Whether descriptors that come along with bytes are wanted. */
        default boolean takesDescriptors() {
            return false;
        }

        /** Descriptors came with the bytes that are received next; whoever gets them closes them. */
        default void descriptorsReceived(List<Fd> descriptors) {
            descriptors.forEach(Fd::close);
        }

        /**
         * There will be no more input: the peer has left, or reading or writing has failed. Called once, from the loop and
         * never from within {@link ByteStream#write}; the stream should be closed.
         */
        void ended();
    }
}
