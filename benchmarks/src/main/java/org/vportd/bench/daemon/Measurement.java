package org.vportd.bench.daemon;

/**
 * What happened in a time, or, as the state of counters, since something began.
 *
 * @param ns the time
 * @param bytes what the peer got or gave; what was moved, where there is no peer
 * @param buffers the buffers that came back to the driver; of a plain loop the blocks
 * @param cpuNs the CPU time of the process that is measured
 * @param driverNs the CPU time of the thread that plays the guests, less that in which it only looked for work
 * @param spunNs that time
 * @param peerNs the CPU time of the peer, of the busier thread if there are two
 * @param kicks how often the device was kicked
 * @param calls how often it called; of a plain loop its system calls for data
 * @param machineNs the time that all cores have worked, for whomever
 * @param readsAndWrites the read and write calls of the process, as the kernel counts them
 */
record Measurement(
        long ns,
        long bytes,
        long buffers,
        long cpuNs,
        long driverNs,
        long spunNs,
        long peerNs,
        long kicks,
        long calls,
        long machineNs,
        long readsAndWrites) {
    private static final double GIGA = 1e9;

    /** What happened since an earlier state. */
    Measurement since(Measurement earlier) {
        return new Measurement(
                ns - earlier.ns,
                bytes - earlier.bytes,
                buffers - earlier.buffers,
                cpuNs - earlier.cpuNs,
                driverNs - earlier.driverNs,
                spunNs - earlier.spunNs,
                peerNs - earlier.peerNs,
                kicks - earlier.kicks,
                calls - earlier.calls,
                machineNs - earlier.machineNs,
                readsAndWrites - earlier.readsAndWrites);
    }

    double bytesPerSecond() {
        return bytes * GIGA / Math.max(1, ns);
    }

    double buffersPerSecond() {
        return buffers * GIGA / Math.max(1, ns);
    }

    /** Buffers for each second of the process's CPU time. */
    double buffersPerCpuSecond() {
        return buffers * GIGA / Math.max(1, cpuNs);
    }

    /** CPU seconds of the process for 10^9 bytes. */
    double cpuSecondsPerGigabyte() {
        return cpuNs / (double) Math.max(1, bytes);
    }

    /** How much of one core the process used. */
    double busy() {
        return cpuNs / (double) Math.max(1, ns);
    }

    /** How much of one core the driver used. */
    double driverBusy() {
        return driverNs / (double) Math.max(1, ns);
    }

    /** How much of one core the peer used. */
    double peerBusy() {
        return peerNs / (double) Math.max(1, ns);
    }

    /** How much of one core others used, whom nobody has asked; the time of other threads of this process is in it. */
    double othersBusy() {
        return Math.max(0, machineNs - cpuNs - driverNs - spunNs - peerNs) / (double) Math.max(1, ns);
    }

    /** So many of something for each buffer. */
    double perBuffer(long count) {
        return count / (double) Math.max(1, buffers);
    }
}
