package org.vportd.serial;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;
import org.vportd.virtio.queue.DriverFaultException;
import org.vportd.virtio.queue.HeldPosition;
import org.vportd.virtio.queue.QueueProgress;
import org.vportd.virtio.queue.VirtQueue;

/**
 * A port's way from the driver to its chardev. A channel whose chardev is full is throttled: the rest stays in the queue,
 * also in the middle of a buffer, until the chardev takes more. A console is never throttled.
 */
final class PortTransmitter {
    private final SerialPort port;
    private final ChardevFrontend frontend;
    private final @Nullable ConsoleBacklog backlog;
    private final VirtQueue.Consumer consumer = this::consume;
    private final LoopTask task;
    private @Nullable VirtQueue queue;
    private @Nullable QueueProgress progress;
    private HeldPosition held = HeldPosition.NONE;
    private boolean throttled;
    /** What is in the queue was meant for a peer that has gone. */
    private boolean stale;

    /** What is kept has been handed over with the driver. */
    private boolean handedOver;

    private long droppedBytes;

    PortTransmitter(SerialPort port, ChardevFrontend frontend, EventLoop loop, @Nullable ConsoleBacklog backlog) {
        this.port = port;
        this.frontend = frontend;
        this.backlog = backlog;
        this.task = loop.task(this::transmit);
    }

    void start(VirtQueue started) {
        queue = started;
        if (progress != null) {
            started.track(progress);
            held = held.equals(HeldPosition.NONE) ? progress.at(started.base()) : held;
        }
        started.resumeAt(held);
        held = HeldPosition.NONE;
        takeBacklogBack();
        task.schedule(); // chains may be there already, and the driver must learn that it has to kick
    }

    void stop() {
        if (queue != null) {
            held = queue.rewind();
            queue = null;
        }
        task.cancel();
    }

    boolean isThrottled() {
        return throttled;
    }

    long droppedBytes() {
        return droppedBytes;
    }

    /** The driver has made chains available, or is believed to. */
    void transmit() {
        VirtQueue current = queue;
        if (current == null || throttled) {
            return;
        }
        try {
            switch (current.drain(consumer)) {
                case IDLE -> setStale(false);
                case MORE -> task.schedule();
                case BLOCKED -> {} // until the chardev has room
            }
        } catch (DriverFaultException e) {
            port.driverFault(port.txQueueIndex(), e);
        } catch (InternalError | MemoryFaultException e) {
            port.memoryFault(e);
        }
    }

    private void setStale(boolean value) {
        if (stale != value) {
            stale = value;
            port.changed();
        }
    }

    private boolean consume(VirtQueue from) {
        IoVector data = from.segments();
        if (port.awaitsHost()) {
            throttled = true;
            return false;
        }
        if (stale || !port.isHostConnected()) {
            from.consume(data.bytes());
            return true;
        }
        if (port.isConsole()) {
            consumeConsole(from, data);
            return true;
        }
        from.consume(frontend.write(data));
        throttled = !data.isEmpty();
        return !throttled;
    }

    private void consumeConsole(VirtQueue from, IoVector data) {
        from.consume(writeOrKeep(data));
        if (!data.isEmpty()) {
            lose(data);
            from.consume(data.bytes());
        }
    }

    private void lose(IoVector data) {
        frontend.spill(data, keptBytes());
        droppedBytes += data.bytes();
    }

    private long keptBytes() {
        return backlog == null ? 0 : backlog.bytes();
    }

    /** The bytes that were taken or kept. What is kept is always shown whole: one of several peers may take more of it. */
    private long writeOrKeep(IoVector data) {
        if (backlog == null) {
            return frontend.write(data);
        }
        long taken = backlog.isEmpty() ? frontend.write(data) : 0;
        long kept = 1;
        while (taken < data.bytes() && kept > 0) {
            kept = backlog.add(data, taken);
            taken += kept;
            writeBacklog();
        }
        return taken;
    }

    /**
     * Puts out something of a console past the queue, in its place behind what is kept; lost if there is no room.
     *
     * @param data consumed by this call
     */
    void writePastQueue(IoVector data) {
        data.consume(writeOrKeep(data));
        if (!data.isEmpty()) {
            lose(data);
        }
    }

    private void writeBacklog() {
        if (backlog != null && !backlog.isEmpty() && !handedOver) {
            backlog.writeTo(frontend);
        }
    }

    /** The chardev has room. */
    void onWritable() {
        writeBacklog();
        if (throttled) {
            throttled = false;
            task.schedule(); // not from within the chardev's own call
        }
    }

    /** The peer has gone: what the driver has handed over was meant for it, also while the queue is stopped. */
    void discard() {
        setStale(true);
        throttled = false;
        frontend.forget(0);
        transmit();
    }

    /** The driver starts anew: nothing of the last one's output is remembered. */
    void reset() {
        takeBacklogBack();
        throttled = false;
        stale = false;
        held = HeldPosition.NONE;
        if (progress != null) {
            progress.clear();
        }
        frontend.forget(keptBytes()); // what is kept of a console outlives the driver
        if (queue != null) {
            queue.resumeAt(HeldPosition.NONE);
            task.schedule();
        }
    }

    // --- saved and restored

    /** Has it noted how far the queue is consumed, from its next start on; or null for no longer, from now on. */
    void track(@Nullable QueueProgress notes) {
        progress = notes;
        if (notes == null && queue != null) {
            queue.track(null);
            task.schedule(); // to note it may be what has failed
        }
    }

    /** Where the queue stands, now that it is stopped. */
    HeldPosition held() {
        return held;
    }

    boolean isStale() {
        return stale;
    }

    /** A copy of a console's output that the chardev has not taken yet. */
    byte[] backlog() {
        return backlog == null ? new byte[0] : backlog.copy();
    }

    /** What is kept is put out elsewhere, unless the driver goes on here. */
    void handBacklogOver() {
        handedOver = true;
    }

    private void takeBacklogBack() {
        if (handedOver) {
            handedOver = false;
            writeBacklog();
        }
    }

    /** The front-end has left; if it has taken along what was kept, that is not put out here. */
    void driverLeaves() {
        if (handedOver && backlog != null) {
            backlog.clear();
            frontend.forget(0);
        }
        handedOver = false;
    }

    /** Goes on for a driver whose queue has been served before, perhaps elsewhere. The queue does not run yet. */
    void restore(HeldPosition position, boolean meantForAnother) {
        held = position;
        stale = meantForAnother;
    }

    /** Puts out what was taken from the guest elsewhere. */
    void restoreBacklog(byte[] bytes) {
        if (bytes.length == 0) {
            return;
        }
        long copy = NativeMemory.allocate(bytes.length);
        try (IoVector data = new IoVector()) {
            NativeMemory.put(bytes, 0, copy, bytes.length);
            data.add(copy, bytes.length);
            writePastQueue(data);
        } finally {
            NativeMemory.free(copy);
        }
    }

    /** Frees what is kept for a chardev that will not take it any more. */
    void close() {
        task.cancel();
        if (backlog != null) {
            backlog.clear();
        }
    }
}
