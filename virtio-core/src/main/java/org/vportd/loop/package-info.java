/**
 * The event loop: readiness of descriptors, timers, work put off to the end of a turn, and commands from other threads.
 *
 * <p>One thread runs a loop and owns everything registered with it. Only {@link org.vportd.loop.EventLoop#post} and {@link
 * org.vportd.loop.EventLoop#stop} may be called from other threads. A turn in which nothing is registered, scheduled or
 * posted anew allocates nothing.
 */
@NullMarked
package org.vportd.loop;

import org.jspecify.annotations.NullMarked;
