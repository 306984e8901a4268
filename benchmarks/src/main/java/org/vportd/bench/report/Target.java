package org.vportd.bench.report;

import java.util.Locale;

/**
 * What a figure should be.
 *
 * @param bound the limit
 * @param atLeast whether the figure should reach it; otherwise it should not exceed it
 */
public record Target(double bound, boolean atLeast) {
    /** A figure that should reach a bound. */
    public static Target atLeast(double bound) {
        return new Target(bound, true);
    }

    /** A figure that should not exceed a bound. */
    public static Target atMost(double bound) {
        return new Target(bound, false);
    }

    /** Whether a figure is as it should be. */
    public boolean isMet(double value) {
        return atLeast ? value >= bound : value <= bound;
    }

    /** The figure's mark: {@code ok} or {@code below}, and the bound. */
    public String mark(double value) {
        String number = bound == Math.rint(bound) ? String.format(Locale.ROOT, "%.0f", bound) : Double.toString(bound);
        return (isMet(value) ? "ok" : atLeast ? "below" : "above") + " (" + (atLeast ? ">=" : "<=") + " " + number
                + ")";
    }
}
