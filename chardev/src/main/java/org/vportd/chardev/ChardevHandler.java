package org.vportd.chardev;

import java.util.List;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;

/**
 * What a front-end does for its chardev. All calls come on the loop thread; none may write to the same chardev before it
 * returns, except {@link #onWritable} and {@link #received}.
 */
public interface ChardevHandler {
    /**
     * The buffers that the next input goes to, empty if there is no room. The chardev reads straight into them, then calls
     * {@link #received}; nothing else may happen to the front-end in between.
     */
    IoVector receiveBuffers();

    /**
     * Input has been put into the front of {@link #receiveBuffers()}.
     *
     * @param bytes how much, at least 1
     */
    void received(long bytes);

    /** The memory behind {@link #receiveBuffers()} turned out to be gone when it was written to; nothing was received. */
    void buffersGone(MemoryFaultException fault);

    /**
     * Whether there will be room sooner or later: somebody reads at the other end. While it is false, a peer that leaves is
     * let go with what it had sent.
     */
    boolean isReceiving();

    /** The chardev, which took less than was written, can take more now. */
    void onWritable();

    /** Something happened to the chardev. */
    void onEvent(ChardevEvent event);

    /** Whether the size of the peer's window is wanted, see {@link #resized}. It may begin to be before input is accepted. */
    default boolean wantsSize() {
        return false;
    }

    /** The peer's window has this size now. Comes after OPENED, and right after it if the size is known by then. */
    default void resized(WindowSize size) {}

    /** Whether another chardev may be put in the place of this one while it is in use. */
    default boolean isReplaceable() {
        return true;
    }

    /** Whether descriptors that a peer passes along with its bytes are wanted; otherwise they are closed. */
    default boolean takesDescriptors() {
        return false;
    }

    /** Descriptors came with the bytes that are received next; whoever gets them closes them. */
    default void descriptorsReceived(List<Fd> descriptors) {
        descriptors.forEach(Fd::close);
    }
}
