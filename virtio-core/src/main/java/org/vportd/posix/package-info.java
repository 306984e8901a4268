/**
 * The only native code: system calls on raw addresses, descriptors that are owned and closed, and native memory.
 *
 * <p>C names stay inside ({@link org.vportd.posix.LibC}); what other packages see are Java names. A call that would block
 * answers {@link org.vportd.posix.Posix#WOULD_BLOCK}, any other failure is a {@link org.vportd.posix.PosixException} that
 * names the call and the errno. {@code EINTR} is retried here. Every descriptor made here is close-on-exec. Any thread may
 * call, but an {@link org.vportd.posix.Fd} and the memory behind an address belong to one thread at a time.
 */
@NullMarked
package org.vportd.posix;

import org.jspecify.annotations.NullMarked;
