package org.vportd.serial;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.virtio.queue.DriverFaultException;
import org.vportd.virtio.queue.VirtQueue;

/**
 * A port's way from its chardev to the driver: shows the chardev the driver's buffers, returns them filled. Without
 * buffers, or while the port is not open, the bytes stay with the chardev's peer.
 */
final class PortReceiver {
    private static final int MIN_AHEAD = 4;
    private static final int MAX_AHEAD = 256;
    private static final IoVector NO_BUFFERS = new IoVector();

    private final SerialPort port;
    private final ChardevFrontend frontend;
    private @Nullable VirtQueue queue;
    private int ahead = MIN_AHEAD;

    PortReceiver(SerialPort port, ChardevFrontend frontend) {
        this.port = port;
        this.frontend = frontend;
    }

    void start(VirtQueue started) {
        queue = started;
        buffers(); // finds none, as a rule: the driver learns that it has to kick
        frontend.acceptInput();
    }

    void stop() {
        if (queue != null) {
            queue.rewind();
            queue = null;
        }
    }

    boolean isStarted() {
        return queue != null;
    }

    /** The driver's buffers, empty if the port takes no input now. */
    IoVector buffers() {
        VirtQueue current = queue;
        if (current == null) {
            return NO_BUFFERS;
        }
        try {
            current.walkWritable(ahead);
            while (current.segments().isEmpty()) {
                current.publish(); // chains without a writable byte have been returned on the way
                if (!current.enableKicks()) {
                    return NO_BUFFERS;
                }
                current.walkWritable(ahead);
            }
            current.disableKicks();
            return port.takesInput() ? current.segments() : NO_BUFFERS;
        } catch (DriverFaultException e) {
            port.driverFault(port.rxQueueIndex(), e);
        } catch (InternalError | MemoryFaultException e) {
            port.memoryFault(e);
        }
        return NO_BUFFERS;
    }

    void received(long bytes) {
        VirtQueue current = queue;
        if (current == null) {
            return;
        }
        try {
            int before = current.windowChains();
            current.fill(bytes);
            current.publish();
            int used = before - current.windowChains();
            ahead = Math.max(MIN_AHEAD, Math.min(MAX_AHEAD, 2 * used)); // look ahead as far as the peer has use for
        } catch (DriverFaultException e) {
            port.driverFault(port.rxQueueIndex(), e);
        } catch (InternalError | MemoryFaultException e) {
            port.memoryFault(e);
        }
    }
}
