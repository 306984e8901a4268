package org.vportd.virtio;

import org.vportd.virtio.queue.DriverFaultException;

/** What a device asks of the transport that serves it. Loop thread only. */
public interface VirtioTransport {
    /** Tells the driver that configuration space has changed, as soon as the transport can (Virtio 1.3 §2.5). */
    void configChanged();

    /**
     * The driver has broken the rules of a ring: the queue is stopped before this returns, nothing else is.
     *
     * @param queue the index of the queue
     */
    void driverFault(int queue, DriverFaultException fault);

    /**
     * Memory shared with the driver has gone. The transport ends by itself, soon after this returns; queues must not be
     * touched until then. An {@link InternalError} that turns out to have come late, from other memory, is thrown again.
     *
     * @param cause what the access met
     */
    void memoryFault(Throwable cause);
}
