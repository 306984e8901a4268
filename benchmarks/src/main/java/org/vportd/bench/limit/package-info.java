/**
 * The limit: plain loops over descriptors, in a process of their own that runs on the same Java with the same flags as the
 * daemon. Nothing of the daemon is used here but system calls.
 */
@NullMarked
package org.vportd.bench.limit;

import org.jspecify.annotations.NullMarked;
