/**
 * What the transport and the device have in common (Virtio 1.3 §2): feature bits, device status, and the two sides of the
 * contract between them, {@link org.vportd.virtio.VirtioDevice} and {@link org.vportd.virtio.VirtioTransport}.
 *
 * <p>Everything here belongs to the loop thread of the device.
 */
@NullMarked
package org.vportd.virtio;

import org.jspecify.annotations.NullMarked;
