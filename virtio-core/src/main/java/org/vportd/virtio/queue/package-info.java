/**
 * The device's side of a virtqueue (Virtio 1.3 §2.6 to §2.8). What the driver wrote is read once into locals, checked, and
 * then used; what breaks the rules is a {@link org.vportd.virtio.queue.DriverFaultException}.
 *
 * <p>A queue belongs to the loop thread of its device. Its addresses point into guest memory: it must not be touched after
 * the memory table has changed.
 */
@NullMarked
package org.vportd.virtio.queue;

import org.jspecify.annotations.NullMarked;
