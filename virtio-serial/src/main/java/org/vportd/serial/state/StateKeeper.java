package org.vportd.serial.state;

import org.vportd.virtio.queue.QueueProgress;

/** Keeps what a device knows of its driver where it outlives the process. Loop thread only. */
public interface StateKeeper {
    /**
     * Keeps a state in place of the last one. Positions in chains and output that waits are not kept with it: the first are
     * noted by the queues themselves.
     */
    void keep(DeviceState state);

    /**
     * Where it is noted how far the device has come in the transmit queue of a port.
     *
     * @param port range 0 to the most ports of the device - 1
     */
    QueueProgress progress(int port);
}
