/**
 * Benchmarks. Each compares the path through rings and device with the plain system calls it cannot do without, through
 * the same kind of socket in the same run, because machines are noisy and ratios hold better.
 */
@NullMarked
package org.vportd.bench;

import org.jspecify.annotations.NullMarked;
