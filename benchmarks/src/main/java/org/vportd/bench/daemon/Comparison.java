package org.vportd.bench.daemon;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.vportd.bench.report.Figure;
import org.vportd.bench.report.Outcome;
import org.vportd.bench.report.Section;
import org.vportd.bench.report.Target;

/**
 * The daemon under one load against the daemon under another.
 *
 * @param name what it is called
 * @param load what is looked at
 * @param base what it is compared with
 * @param measure what is compared
 * @param target what the ratio should be
 */
record Comparison(String name, Load load, Load base, Measure measure, Target target) implements Scenario {
    /** What can be compared. */
    enum Measure {
        /** CPU seconds for bytes. */
        CPU("CPU s/GB"),
        /** Buffers for each CPU second. */
        BUFFERS_PER_CORE("Mbuf/CPU s");

        private final String words;

        Measure(String words) {
            this.words = words;
        }

        double of(Measurement measurement) {
            return switch (this) {
                case CPU -> measurement.cpuSecondsPerGigabyte();
                case BUFFERS_PER_CORE -> measurement.buffersPerCpuSecond() / 1e6;
            };
        }
    }

    @Override
    public Outcome run(Bench bench) throws IOException {
        BenchOptions options = bench.options();
        List<Contender> contenders = new ArrayList<>();
        try {
            for (Load each : List.of(base, load)) {
                contenders.add(DaemonContender.start(bench, options.program(), options.arguments(), each));
            }
            List<List<Measurement>> turns = Contest.run(contenders, options);
            List<Measurement> of = turns.get(1);
            List<Measurement> with = turns.get(0);
            Ratio ratio = Ratio.of(of, with, measure::of);
            Outcome outcome = new Outcome();
            Figure figure = outcome.add(new Figure(
                    name,
                    measure.words,
                    "",
                    Ratio.median(of, measure::of),
                    Ratio.median(with, measure::of),
                    ratio.median(),
                    ratio.low(),
                    ratio.high(),
                    target));
            outcome.addRow(
                    Section.SCALING,
                    load.words() + " : " + base.words(),
                    measure.words,
                    Text.number(figure.value()),
                    Text.number(figure.limit()),
                    Text.number(figure.ratio()),
                    Text.range(figure.low(), figure.high()),
                    figure.mark());
            return outcome;
        } finally {
            contenders.forEach(Contender::close);
        }
    }
}
