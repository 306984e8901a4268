package org.vportd.serial;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
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
    private static final int MAX_ROUNDS = 64;
    private static final IoVector NO_BUFFERS = new IoVector();

    private final SerialPort port;
    private final ChardevFrontend frontend;
    private final LoopTask task;
    private final LoopTask callTask;
    private @Nullable VirtQueue queue;
    private int ahead = MIN_AHEAD;

    PortReceiver(SerialPort port, ChardevFrontend frontend, EventLoop loop) {
        this.port = port;
        this.frontend = frontend;
        this.task = loop.task(this::queueNotified);
        this.callTask = loop.task(this::call);
    }

    void start(VirtQueue started) {
        queue = started;
        queueNotified(); // finds no buffers, as a rule: the driver learns that it has to kick
    }

    void queueNotified() {
        buffers(); // if they are not for now, at least further kicks are not needed
        frontend.acceptInput();
    }

    void stop() {
        task.cancel();
        callTask.cancel();
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
            for (int round = 0; round < MAX_ROUNDS; round++) {
                current.walkWritable(ahead);
                if (!current.segments().isEmpty()) {
                    current.disableKicks();
                    return port.takesInput() ? current.segments() : NO_BUFFERS;
                }
                current.publish(); // chains without a writable byte have been returned on the way
                if (!current.enableKicks()) {
                    return NO_BUFFERS;
                }
            }
            task.schedule(); // a driver may refill its ring with such chains without end: others get their turn
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
            boolean full = bytes == current.segments().bytes();
            current.fill(bytes);
            if (full) {
                current.publishPart(); // the peer has more, as a rule
                callTask.schedule();
            } else {
                current.publish();
            }
            int used = before - current.windowChains();
            ahead = Math.max(MIN_AHEAD, Math.min(MAX_AHEAD, 2 * used)); // look ahead as far as the peer has use for
            current.walkWritable(ahead); // while the peer is busy, rather than when its next bytes wait
        } catch (DriverFaultException e) {
            port.driverFault(port.rxQueueIndex(), e);
        } catch (InternalError | MemoryFaultException e) {
            port.memoryFault(e);
        }
    }

    private void call() {
        VirtQueue current = queue;
        if (current == null) {
            return;
        }
        try {
            current.publish();
        } catch (InternalError | MemoryFaultException e) {
            port.memoryFault(e);
        }
    }
}
