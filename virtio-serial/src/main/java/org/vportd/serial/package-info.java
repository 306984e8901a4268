/**
 * The virtio-console device (Virtio 1.3 §5.3) with QEMU's virtio-serial behaviour: ports, the control queues, throttling.
 *
 * <p>The standard names queues from the driver's side; here <b>rx</b> is what goes to the driver (its receiveq) and
 * <b>tx</b> what comes from it (its transmitq). The way of a byte from the guest: {@link
 * org.vportd.serial.SerialDevice#queueNotified} finds the port, {@link org.vportd.serial.PortTransmitter} hands the
 * window of its queue to the chardev. The way back: the chardev reads into what {@link org.vportd.serial.PortReceiver}
 * shows it. Loop thread only.
 */
@NullMarked
package org.vportd.serial;

import org.jspecify.annotations.NullMarked;
