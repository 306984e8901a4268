package org.vportd.bench.daemon;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.vportd.bench.peer.Wire;
import org.vportd.bench.report.Figure;
import org.vportd.bench.report.Outcome;
import org.vportd.bench.report.Section;
import org.vportd.bench.report.Target;
import org.vportd.vhostuser.frontend.RingFormat;

/**
 * As much as goes, through the daemon and through plain loops.
 *
 * @param name what it is called
 * @param load what goes where
 */
record Throughput(String name, Load load) implements Scenario {
    private static final int SMALL_BYTES = 1024;
    private static final double FULL = 0.95;
    private static final double WAITING = 0.75;
    private static final double MEGA = 1e6;
    private static final double BATCHED = 0.97;
    private static final double SMALLEST_GAIN = 8;
    private static final double SMALL_GAIN = 2;
    private static final double BUFFERS_PER_CORE = 15;

    /** What all contenders did. */
    private record Turns(
            List<Measurement> ours,
            List<Measurement> batched,
            List<Measurement> single,
            List<List<Measurement>> others) {}

    @Override
    public Outcome run(Bench bench) throws IOException {
        List<Contender> contenders = new ArrayList<>();
        try {
            BenchOptions options = bench.options();
            DaemonContender ours = DaemonContender.start(bench, options.program(), options.arguments(), load);
            contenders.add(ours);
            for (Path program : options.other()) {
                contenders.add(DaemonContender.start(bench, program, options.otherArguments(), load));
            }
            boolean limited = load.wire().hasDescriptor();
            boolean small = limited && load.blockBytes() <= SMALL_BYTES && load.wire() != Wire.TLS;
            if (limited) {
                List<String> command = bench.plainCommand(ours.daemon());
                contenders.add(LimitContender.start(bench, command, load, load.batch()));
                if (small) {
                    contenders.add(LimitContender.start(bench, command, load, 1));
                }
            }
            Collections.rotate(contenders, limited ? (small ? 2 : 1) : 0); // the limits first
            List<List<Measurement>> turns = Contest.run(contenders, options);
            Collections.rotate(turns, limited ? (small ? -2 : -1) : 0);
            int programs = 1 + options.other().size();
            double calls = options.systemCalls() ? SystemCalls.perBuffer(bench, ours) : Double.NaN;
            return report(
                    new Turns(
                            turns.get(0),
                            limited ? turns.get(programs) : List.of(),
                            small ? turns.get(programs + 1) : List.of(),
                            turns.subList(1, programs)),
                    calls);
        } finally {
            contenders.forEach(Contender::close);
        }
    }

    private Outcome report(Turns turns, double systemCalls) {
        Outcome outcome = new Outcome();
        String words = load.words();
        Figure speed = outcome.add(compare(
                "throughput",
                "MB/s",
                turns.ours,
                turns.batched,
                measurement -> measurement.bytesPerSecond() / MEGA,
                batchedTarget()));
        Figure single = turns.single.isEmpty()
                ? null
                : outcome.add(compare(
                        "throughput against one call a buffer",
                        "MB/s",
                        turns.ours,
                        turns.single,
                        measurement -> measurement.bytesPerSecond() / MEGA,
                        singleTarget()));
        Figure buffers = outcome.add(
                Figure.plain(name, "buffers", "M/s", median(turns.ours, m -> m.buffersPerSecond() / MEGA), null));
        Figure perCore = outcome.add(Figure.plain(
                name,
                "buffers a CPU second",
                "M/s",
                median(turns.ours, m -> m.buffersPerCpuSecond() / MEGA),
                perCoreTarget()));
        Figure cost = outcome.add(
                compare("CPU", "s/GB", turns.ours, turns.batched, Measurement::cpuSecondsPerGigabyte, null));
        outcome.addRow(
                Section.THROUGHPUT,
                words,
                Text.number(speed.value()),
                Text.number(buffers.value()),
                Text.number(speed.limit()),
                Text.number(speed.ratio()),
                Text.range(speed.low(), speed.high()),
                single == null ? "" : Text.number(single.ratio()),
                mark(speed, single),
                busy(turns.ours),
                remarks(turns));
        outcome.addRow(
                Section.COST,
                words,
                Text.number(cost.value()),
                Text.number(cost.limit()),
                Text.number(cost.ratio()),
                Text.number(perCore.value()),
                perCore.mark(),
                perThousand(outcome, "kicks", turns.ours, m -> m.perBuffer(m.kicks())),
                perThousand(outcome, "calls", turns.ours, m -> m.perBuffer(m.calls())),
                perThousand(outcome, "reads and writes", turns.ours, m -> m.perBuffer(m.readsAndWrites())),
                Text.number(systemCalls * 1000));
        if (!Double.isNaN(systemCalls)) {
            outcome.add(Figure.plain(name, "system calls", "1/1000 buffers", systemCalls * 1000, null));
        }
        addOthers(outcome, turns);
        return outcome;
    }

    private void addOthers(Outcome outcome, Turns turns) {
        for (List<Measurement> other : turns.others) {
            Figure speed = outcome.add(compare(
                    "throughput of the other one", "MB/s", other, turns.ours, m -> m.bytesPerSecond() / MEGA, null));
            Figure cost = outcome.add(compare(
                    "CPU of the other one", "s/GB", other, turns.ours, Measurement::cpuSecondsPerGigabyte, null));
            for (Figure figure : List.of(speed, cost)) {
                outcome.addRow(
                        Section.SCALING,
                        load.words(),
                        figure.measure() + ", " + figure.unit(),
                        Text.number(figure.value()),
                        Text.number(figure.limit()),
                        Text.number(figure.ratio()),
                        Text.range(figure.low(), figure.high()),
                        "");
            }
        }
    }

    private String perThousand(
            Outcome outcome, String what, List<Measurement> ours, ToDoubleFunction<Measurement> measure) {
        double value = 1000 * median(ours, measure);
        return Text.number(outcome.add(Figure.plain(name, what, "1/1000 buffers", value, null))
                .value());
    }

    private static String mark(Figure speed, @Nullable Figure single) {
        return single != null && single.target() != null ? single.mark() : speed.mark();
    }

    private @Nullable Target batchedTarget() {
        boolean plain = load.wire() == Wire.UNIX && load.streams() == 1 && load.depth() >= 64;
        return plain && load.blockBytes() >= 4096 ? Target.atLeast(BATCHED) : null;
    }

    private @Nullable Target singleTarget() {
        if (load.wire() != Wire.UNIX || load.streams() != 1 || load.depth() < 64) {
            return null;
        }
        return Target.atLeast(load.blockBytes() <= 64 ? SMALLEST_GAIN : SMALL_GAIN);
    }

    private @Nullable Target perCoreTarget() {
        boolean own = !load.wire().hasDescriptor() && load.blockBytes() <= 64 && load.streams() == 1;
        return own && load.depth() >= 64 && load.format().equals(RingFormat.SPLIT)
                ? Target.atLeast(BUFFERS_PER_CORE)
                : null;
    }

    private Figure compare(
            String measure,
            String unit,
            List<Measurement> ours,
            List<Measurement> limit,
            ToDoubleFunction<Measurement> value,
            @Nullable Target target) {
        if (limit.isEmpty()) {
            return Figure.plain(name, measure, unit, median(ours, value), null);
        }
        Ratio ratio = Ratio.of(ours, limit, value);
        return new Figure(
                name,
                measure,
                unit,
                median(ours, value),
                median(limit, value),
                ratio.median(),
                ratio.low(),
                ratio.high(),
                target);
    }

    private static double median(List<Measurement> turns, ToDoubleFunction<Measurement> measure) {
        return Ratio.median(turns, measure);
    }

    private static String busy(List<Measurement> ours) {
        return Text.busy(
                median(ours, Measurement::busy),
                median(ours, Measurement::driverBusy),
                median(ours, Measurement::peerBusy));
    }

    /** Says who was the limit if it was not the daemon. */
    private static String remarks(Turns turns) {
        double daemon = median(turns.ours, Measurement::busy);
        double driver = median(turns.ours, Measurement::driverBusy);
        double peer = median(turns.ours, Measurement::peerBusy);
        List<String> remarks = new ArrayList<>();
        if (daemon < FULL && driver > FULL) {
            remarks.add("the driver is the limit");
        }
        if (daemon < FULL && peer > FULL) {
            remarks.add("the peer is the limit");
        }
        double others = median(turns.ours, Measurement::othersBusy);
        if (others > Text.MUCH) {
            remarks.add(Text.others(others));
        }
        double cores = Runtime.getRuntime().availableProcessors();
        if (daemon < FULL && (daemon + driver + peer + Math.max(0, others)) / cores > FULL) {
            remarks.add("all cores are full");
        } else if (others <= Text.MUCH && Math.max(daemon, Math.max(driver, peer)) < WAITING) {
            remarks.add("all wait for each other");
        }
        return String.join("; ", remarks);
    }
}
