/**
 * Whole-daemon runs: the packaged daemon in a process of its own, driven by simulated guests, beside plain loops that move
 * the same blocks through the same kind of descriptor to the same peer. Both take turns in one run, and what is told is the
 * ratio, as machines are noisy.
 */
@NullMarked
package org.vportd.bench.daemon;

import org.jspecify.annotations.NullMarked;
