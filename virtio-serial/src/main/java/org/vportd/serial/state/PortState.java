package org.vportd.serial.state;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.WindowSize;
import org.vportd.virtio.queue.HeldPosition;

/**
 * What a device knows of one port. What its buffers hold stays in the driver's memory; here is only how much of the first
 * one has been put out already.
 *
 * @param id the port's number
 * @param console whether it is a console rather than a channel
 * @param name what the guest finds it by, null if it has no name
 * @param announced whether the driver has been told of the port, or will be by a waiting message
 * @param guestConnected whether somebody in the guest has it open
 * @param hostConnected whether the driver believes that somebody is there on the host, waiting messages included
 * @param stale whether what is in the transmit queue was meant for a peer that has gone
 * @param held how far into the first chain of the transmit queue the device has come
 * @param size the size of the console as the driver was told it, null if it was not
 * @param backlog output of a console that was taken from the guest and not yet by the chardev; not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record PortState(
        int id,
        boolean console,
        @Nullable String name,
        boolean announced,
        boolean guestConnected,
        boolean hostConnected,
        boolean stale,
        HeldPosition held,
        @Nullable WindowSize size,
        byte[] backlog) {

    /** The same with other output that waits. */
    public PortState withBacklog(byte[] waiting) {
        return new PortState(id, console, name, announced, guestConnected, hostConnected, stale, held, size, waiting);
    }

    /** How messages call the kind of port. */
    public String typeName() {
        return console ? "virtconsole" : "virtserialport";
    }
}
