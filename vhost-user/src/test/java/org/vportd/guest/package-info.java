/**
 * Real Linux guests for tests: {@link org.vportd.guest.Guest} runs QEMU or user-mode Linux with a vhost-user console,
 * {@link org.vportd.guest.Console} types commands on the guest's {@code /dev/hvc0}, {@link org.vportd.guest.HostPeer} is
 * what stands on the host's side of a generic port. The guest's user space is in {@code src/test/guest}.
 *
 * <p>Nothing here is safe for use by several threads at once, but each object may have a thread of its own.
 */
@NullMarked
package org.vportd.guest;

import org.jspecify.annotations.NullMarked;
