/**
 * The driver's memory as mapped into this process: regions, translation of addresses, bounds.
 *
 * <p>Loop thread only. An address that leaves this package is valid until the table changes; whoever holds one gives it up
 * before that.
 */
@NullMarked
package org.vportd.virtio.memory;

import org.jspecify.annotations.NullMarked;
