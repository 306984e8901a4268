package org.vportd.bench.daemon;

import java.util.Arrays;

/** Times of round trips, in an array that is there from the start. */
final class Latencies {
    private final long[] samplesNs = new long[1 << 19];
    private int count;

    /**
     * What they came to.
     *
     * @param p50Us half of them took no longer
     * @param p99Us 99 % of them took no longer
     * @param p999Us 99.9 % of them took no longer
     */
    record Summary(double p50Us, double p99Us, double p999Us) {}

    void clear() {
        count = 0;
    }

    void add(long ns) {
        if (count < samplesNs.length) {
            samplesNs[count++] = ns;
        }
    }

    /** The summary; there must be a sample. */
    Summary summary() {
        Arrays.sort(samplesNs, 0, count);
        return new Summary(at(0.5), at(0.99), at(0.999));
    }

    private double at(double share) {
        return samplesNs[(int) (count * share)] / 1000.0;
    }
}
