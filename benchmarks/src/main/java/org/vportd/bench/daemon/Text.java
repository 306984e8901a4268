package org.vportd.bench.daemon;

import java.util.Locale;

/** Numbers for tables. */
final class Text {
    /** More than this of a core used by others is worth a remark. */
    static final double MUCH = 0.15;

    private Text() {}

    /** A number with three digits or so. */
    static String number(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return "";
        }
        double size = Math.abs(value);
        String format = size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : size >= 0.1 || size == 0 ? "%.2f" : "%.4f";
        return String.format(Locale.ROOT, format, value);
    }

    static String range(double low, double high) {
        return Double.isNaN(low) ? "" : "(" + number(low) + ".." + number(high) + ")";
    }

    /** Says how much of a core others used, if it was much. */
    static String others(double busy) {
        return busy > MUCH ? String.format(Locale.ROOT, "others used %.0f%% of a core", busy * 100) : "";
    }

    static String busy(double first, double second, double third) {
        return String.format(Locale.ROOT, "%3.0f%% %3.0f%% %3.0f%%", first * 100, second * 100, third * 100);
    }
}
