package org.vportd.bench.daemon;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * The ratios of all turns.
 *
 * @param median the one in the middle
 * @param low the lowest
 * @param high the highest
 */
record Ratio(double median, double low, double high) {
    /** Of two contenders that took turns. */
    static <T> Ratio of(List<T> ours, List<T> limit, ToDoubleFunction<T> measure) {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < Math.min(ours.size(), limit.size()); i++) {
            double base = measure.applyAsDouble(limit.get(i));
            ratios.add(base == 0 ? Double.NaN : measure.applyAsDouble(ours.get(i)) / base);
        }
        return of(ratios);
    }

    /** Of values that were made already; at least one. */
    static Ratio of(List<Double> values) {
        List<Double> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        return new Ratio(middle(sorted), sorted.get(0), sorted.get(sorted.size() - 1));
    }

    /** The median of a measure. */
    static <T> double median(List<T> measured, ToDoubleFunction<T> measure) {
        return middle(measured.stream().mapToDouble(measure).boxed().sorted().toList());
    }

    private static double middle(List<Double> sorted) {
        int half = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(half) : (sorted.get(half - 1) + sorted.get(half)) / 2;
    }
}
