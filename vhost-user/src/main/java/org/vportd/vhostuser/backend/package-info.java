/**
 * The back-end side of vhost-user: takes front-ends in, maps their memory, runs the life cycle of their rings, and hands
 * the rings to a {@link org.vportd.virtio.VirtioDevice}.
 *
 * <p>The way of a byte from the guest begins in {@link org.vportd.vhostuser.backend.Vring}: its kick wakes the loop, the
 * session notifies the device of the queue, and the device's port reads the queue's window. Loop thread only.
 */
@NullMarked
package org.vportd.vhostuser.backend;

import org.jspecify.annotations.NullMarked;
