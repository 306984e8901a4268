package org.vportd.vhostuser.backend;

import java.util.function.Consumer;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopPoll;
import org.vportd.posix.MemoryFaultException;
import org.vportd.virtio.VirtioDevice;
import org.vportd.virtio.queue.DriverFaultException;
import org.vportd.virtio.queue.VirtQueue;

/** Tells the device of what the driver has made available: when the driver kicks, or when a loop that polls has found it. */
final class RingKicks {
    private static final System.Logger LOGGER = System.getLogger(RingKicks.class.getName());

    private final EventLoop loop;
    private final VirtioDevice device;
    private final Vring[] rings;
    private final MemoryWatch memoryWatch;
    private final Consumer<String> onFatal;

    /** Tells of the rings of a session, which {@code onFatal} ends. */
    RingKicks(EventLoop loop, VirtioDevice device, Vring[] rings, MemoryWatch memoryWatch, Consumer<String> onFatal) {
        this.loop = loop;
        this.device = device;
        this.rings = rings;
        this.memoryWatch = memoryWatch;
        this.onFatal = onFatal;
    }

    /** A kick that is part of a request, whose failure is the request's. */
    void kicked(int index) {
        memoryWatch.checkIfDue();
        if (rings[index].queue() != null) {
            device.queueNotified(index);
        }
    }

    /** A kick that comes by itself: no request is being carried out whose failure would be the session's. */
    void kickedByDriver(int index) {
        try {
            kicked(index);
        } catch (MemoryFaultException e) {
            memoryWatch.fault(e);
        } catch (RuntimeException | OutOfMemoryError e) { // a bug of ours must not reach the other sessions
            LOGGER.log(System.Logger.Level.ERROR, "internal error: queue=" + index, e);
            onFatal.accept("internal error");
        }
    }

    /** Has a queue looked at by the loop while that polls; answers what the ring needs to end this. */
    LoopPoll poll(Vring ring, VirtQueue queue) {
        LoopPoll poll = loop.poll(() -> look(ring), () -> rest(ring));
        queue.lookedAtBy(poll::start);
        return poll;
    }

    /** The loop polls: takes the place of a kick if there is something. */
    private boolean look(Vring ring) {
        VirtQueue queue = ring.queue();
        if (queue == null || !hasWork(queue)) {
            return false;
        }
        ring.stopPolling(); // until the device has nothing to do any more
        kickedByDriver(ring.index());
        return true;
    }

    private static boolean hasWork(VirtQueue queue) {
        try {
            return !queue.isWaiting() && queue.hasAvailable();
        } catch (DriverFaultException e) {
            return true; // the device will meet it, too
        }
    }

    private void rest(Vring ring) {
        VirtQueue queue = ring.queue();
        if (queue != null && hasComeMeanwhile(queue)) {
            kickedByDriver(ring.index());
        }
    }

    private static boolean hasComeMeanwhile(VirtQueue queue) {
        try {
            return queue.askForKicks();
        } catch (DriverFaultException e) {
            return true; // as above
        }
    }
}
