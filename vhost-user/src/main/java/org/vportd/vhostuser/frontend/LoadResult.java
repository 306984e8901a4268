package org.vportd.vhostuser.frontend;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What a load came to.
 *
 * @param kind tx, rx or ping
 * @param blocks buffers that came back
 * @param bytes bytes in them
 * @param elapsedNs how long it took, to the last of them
 * @param kicks how often the device was kicked
 * @param calls how often the device was heard to call
 * @param verified whether every byte was checked
 * @param latency of the round trips, for ping
 */
public record LoadResult(
        String kind,
        long blocks,
        long bytes,
        long elapsedNs,
        long kicks,
        long calls,
        boolean verified,
        @Nullable Latency latency) {
    /**
     * Times of round trips.
     *
     * @param p50Ns half of them took no longer
     * @param p99Ns 99 % of them took no longer
     * @param p999Ns 99.9 % of them took no longer
     * @param maxNs the longest
     */
    public record Latency(long p50Ns, long p99Ns, long p999Ns, long maxNs) {
        /** Of sorted times; at least one. */
        static Latency of(long[] sortedNs, int count) {
            return new Latency(
                    sortedNs[(int) (count * 0.5)],
                    sortedNs[(int) (count * 0.99)],
                    sortedNs[(int) (count * 0.999)],
                    sortedNs[count - 1]);
        }
    }

    /** Buffers a second. */
    public double blocksPerSecond() {
        return blocks * (double) TimeUnit.SECONDS.toNanos(1) / Math.max(1, elapsedNs);
    }

    /** Bytes a second. */
    public double bytesPerSecond() {
        return bytes * (double) TimeUnit.SECONDS.toNanos(1) / Math.max(1, elapsedNs);
    }

    /** The result as text, a line each. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(
                Locale.ROOT,
                "%s: %d blocks, %d bytes in %.3f s: %.0f blocks/s, %.1f MB/s",
                kind,
                blocks,
                bytes,
                elapsedNs / 1e9,
                blocksPerSecond(),
                bytesPerSecond() / 1e6));
        lines.add(String.format(
                Locale.ROOT,
                "%s: %d kicks, %d calls, data %s",
                kind,
                kicks,
                calls,
                verified ? "verified" : "not verified"));
        Latency times = latency;
        if (times != null) {
            lines.add(String.format(
                    Locale.ROOT,
                    "%s: round trip p50 %.1f us, p99 %.1f us, p99.9 %.1f us, max %.1f us",
                    kind,
                    times.p50Ns / 1e3,
                    times.p99Ns / 1e3,
                    times.p999Ns / 1e3,
                    times.maxNs / 1e3));
        }
        return lines;
    }
}
