package org.vportd.bench.daemon;

import java.nio.file.Path;
import java.util.List;

/**
 * How a run is made.
 *
 * @param program the daemon's launcher
 * @param other another one to be measured in the same turns; may be the same
 * @param arguments more arguments for the daemon
 * @param otherArguments more arguments for the other one
 * @param rounds how many turns each contender gets
 * @param windowMs how long a turn is measured
 * @param repeats how often a turn is made again at the most because others used the machine meanwhile
 * @param settleMs how long it runs before that
 * @param warmupMs how long each runs before the first turn
 * @param spinUs how long the driver looks for returned buffers of up to 1 KiB before it waits for a call
 * @param systemCalls whether system calls are counted with strace
 */
record BenchOptions(
        Path program,
        List<Path> other,
        List<String> arguments,
        List<String> otherArguments,
        int rounds,
        int windowMs,
        int repeats,
        int settleMs,
        int warmupMs,
        int spinUs,
        boolean systemCalls) {}
