package org.vportd.bench.daemon;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.vportd.bench.limit.Waiting;
import org.vportd.bench.report.Figure;
import org.vportd.bench.report.Outcome;
import org.vportd.bench.report.Section;
import org.vportd.bench.report.Target;

/**
 * One block at a time to an echoing peer and back, through the daemon and through a thread that does nothing else.
 *
 * @param name what it is called
 * @param blockBytes the size of the block
 */
record RoundTrip(String name, int blockBytes) implements Scenario {
    private static final double P50 = 1.25;
    private static final double P99 = 1.5;
    private static final double POLLED = 0.5;
    /** On which core each thread is woken stays the same for long within a turn, and decides most: so turns are many. */
    private static final int PARTS = 4;

    private static final String POLL = "--poll";
    /** Longer than a round trip takes. */
    private static final String POLL_US = "50";

    /** One of those compared. */
    private record Entry(String name, Pinger pinger) {}

    @Override
    public Outcome run(Bench bench) throws IOException {
        BenchOptions options = bench.options();
        List<Entry> entries = new ArrayList<>();
        try {
            Pinger.Daemon ours = Pinger.Daemon.start(bench, options.arguments(), blockBytes);
            entries.add(new Entry("vportd", ours));
            List<String> command = bench.plainCommand(ours.daemon());
            entries.add(new Entry("bare loop", Pinger.Bare.start(bench, command, blockBytes, Waiting.IN_CALL)));
            entries.add(
                    new Entry("bare loop with epoll", Pinger.Bare.start(bench, command, blockBytes, Waiting.EPOLL)));
            boolean polls = options.arguments().stream().noneMatch(argument -> argument.startsWith(POLL))
                    && DaemonProcess.knows(options.program(), POLL, bench.newFolder());
            if (polls) {
                entries.add(new Entry(
                        "bare loop that polls", Pinger.Bare.start(bench, command, blockBytes, Waiting.LOOKING)));
                List<String> more = new ArrayList<>(options.arguments());
                more.add(POLL + "=" + POLL_US);
                entries.add(new Entry("vportd " + POLL + "=" + POLL_US, Pinger.Daemon.start(bench, more, blockBytes)));
            }
            return report(entries, measure(entries.stream().map(Entry::pinger).toList(), options));
        } finally {
            entries.forEach(entry -> entry.pinger.close());
        }
    }

    /** What all pingers did in their turns, and how much of a core others used meanwhile. */
    private record Turns(List<List<Latencies.Summary>> summaries, double othersBusy) {}

    private static Turns measure(List<Pinger> pingers, BenchOptions options) throws IOException {
        Latencies latencies = new Latencies();
        List<List<Latencies.Summary>> all = new ArrayList<>();
        for (Pinger pinger : pingers) {
            pinger.ping(options.warmupMs(), latencies);
            all.add(new ArrayList<>());
        }
        ProcessClock self = new ProcessClock(ProcessHandle.current().pid());
        long start = System.nanoTime();
        long othersBefore = othersNs(pingers, self);
        for (int turn = 0; turn < options.rounds() * PARTS; turn++) {
            for (int i = 0; i < pingers.size(); i++) {
                latencies.clear();
                pingers.get(i).ping(options.settleMs() / PARTS, latencies);
                latencies.clear();
                pingers.get(i).ping(options.windowMs() / PARTS, latencies);
                all.get(i).add(latencies.summary());
            }
        }
        double others = othersNs(pingers, self) - othersBefore;
        return new Turns(all, others / (System.nanoTime() - start));
    }

    private static long othersNs(List<Pinger> pingers, ProcessClock self) throws IOException {
        long ns = CpuClock.machineNs() - self.ns();
        for (Pinger pinger : pingers) {
            ns -= pinger.cpuNs();
        }
        return ns;
    }

    private Outcome report(List<Entry> entries, Turns measured) {
        Outcome outcome = new Outcome();
        addRow(outcome, entries, measured, 0, 1, Target.atMost(P50), Target.atMost(P99));
        addRow(outcome, entries, measured, 1, 1, null, null);
        addRow(outcome, entries, measured, 2, 1, null, null);
        if (entries.size() > 3) {
            addRow(outcome, entries, measured, 3, 1, null, null); // all that polling could bring
            addRow(outcome, entries, measured, 4, 3, null, null);
            addRow(outcome, entries, measured, 4, 0, Target.atMost(POLLED), null);
        }
        return outcome;
    }

    private void addRow(
            Outcome outcome,
            List<Entry> entries,
            Turns measured,
            int who,
            int of,
            @Nullable Target p50,
            @Nullable Target p99) {
        List<Latencies.Summary> turns = measured.summaries.get(who);
        List<Latencies.Summary> base = measured.summaries.get(of);
        String named = entries.get(who).name + (of == 1 ? "" : " (x: of " + entries.get(of).name + ")");
        Figure half = figure(outcome, named + " p50", turns, base, Latencies.Summary::p50Us, p50);
        Figure most = figure(outcome, named + " p99", turns, base, Latencies.Summary::p99Us, p99);
        Figure all = figure(outcome, named + " p99.9", turns, base, Latencies.Summary::p999Us, null);
        outcome.addRow(
                Section.ROUND_TRIP,
                Load.size(blockBytes) + " B, " + named,
                Text.number(half.value()),
                Text.number(most.value()),
                Text.number(all.value()),
                Text.number(half.ratio()),
                Text.range(half.low(), half.high()),
                half.mark(),
                Text.number(most.ratio()),
                Text.range(most.low(), most.high()),
                most.mark(),
                Text.number(all.ratio()),
                Text.others(measured.othersBusy));
    }

    private Figure figure(
            Outcome outcome,
            String measure,
            List<Latencies.Summary> turns,
            List<Latencies.Summary> base,
            ToDoubleFunction<Latencies.Summary> value,
            @Nullable Target target) {
        Ratio ratio = Ratio.of(turns, base, value);
        return outcome.add(new Figure(
                name,
                measure,
                "us",
                Ratio.median(turns, value),
                Ratio.median(base, value),
                ratio.median(),
                ratio.low(),
                ratio.high(),
                target));
    }
}
