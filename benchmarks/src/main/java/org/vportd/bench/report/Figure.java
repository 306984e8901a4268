package org.vportd.bench.report;

import org.jspecify.annotations.Nullable;

/**
 * One number of a run.
 *
 * @param scenario what was done
 * @param measure what was measured
 * @param unit of the values; empty for a ratio
 * @param value the median of all turns
 * @param limit the same of what it is compared with; not a number if it is compared with nothing
 * @param ratio the median of the ratios of the turns; not a number without a limit
 * @param low the lowest ratio
 * @param high the highest ratio
 * @param target what the ratio should be, or the value if it is compared with nothing
 */
public record Figure(
        String scenario,
        String measure,
        String unit,
        double value,
        double limit,
        double ratio,
        double low,
        double high,
        @Nullable Target target) {
    /** A number that is compared with nothing. */
    public static Figure plain(String scenario, String measure, String unit, double value, @Nullable Target target) {
        return new Figure(scenario, measure, unit, value, Double.NaN, Double.NaN, Double.NaN, Double.NaN, target);
    }

    /** What the target is about. */
    public double judged() {
        return Double.isNaN(ratio) ? value : ratio;
    }

    /** The mark; empty without a target. */
    public String mark() {
        return target == null ? "" : target.mark(judged());
    }
}
