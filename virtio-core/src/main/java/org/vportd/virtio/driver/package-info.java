/**
 * The driver's side of a virtqueue (Virtio 1.3 §2.7, §2.8): what the simulated guest, the load generator and the tests drive
 * devices with. It does nothing that a correct driver would not do, and does not trust the device: what it returns is
 * checked, and a device that breaks the rules meets a {@link org.vportd.virtio.driver.DeviceFaultException}.
 *
 * <p>A driver and its memory belong to one thread; the device may run on another thread or in another process.
 */
@NullMarked
package org.vportd.virtio.driver;

import org.jspecify.annotations.NullMarked;
