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

    /** One of those compared, and what it did in its turns. */
    private record Entry(String name, Pinger pinger, List<Latencies.Summary> turns) {
        Entry(String name, Pinger pinger) {
            this(name, pinger, new ArrayList<>());
        }
    }

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
            double othersBusy = measure(entries, options);
            return report(entries, polls, othersBusy);
        } finally {
            entries.forEach(entry -> entry.pinger.close());
        }
    }

    /** Has all take turns; answers how much of a core others used meanwhile. */
    private static double measure(List<Entry> entries, BenchOptions options) throws IOException {
        Latencies latencies = new Latencies();
        for (Entry entry : entries) {
            entry.pinger.ping(options.warmupMs(), latencies);
        }
        ProcessClock self = new ProcessClock(ProcessHandle.current().pid());
        long start = System.nanoTime();
        long othersBefore = othersNs(entries, self);
        for (int turn = 0; turn < options.rounds() * PARTS; turn++) {
            for (Entry entry : entries) {
                latencies.clear();
                entry.pinger.ping(options.settleMs() / PARTS, latencies);
                latencies.clear();
                entry.pinger.ping(options.windowMs() / PARTS, latencies);
                entry.turns.add(latencies.summary());
            }
        }
        double others = othersNs(entries, self) - othersBefore;
        return others / (System.nanoTime() - start);
    }

    private static long othersNs(List<Entry> entries, ProcessClock self) throws IOException {
        long ns = CpuClock.machineNs() - self.ns();
        for (Entry entry : entries) {
            ns -= entry.pinger.cpuNs();
        }
        return ns;
    }

    private Outcome report(List<Entry> entries, boolean polls, double othersBusy) {
        Outcome outcome = new Outcome();
        Entry ours = entries.get(0);
        Entry bare = entries.get(1);
        String remark = Text.others(othersBusy);
        addRow(outcome, ours.name, ours, bare, Target.atMost(P50), Target.atMost(P99), remark);
        addRow(outcome, bare.name, bare, bare, null, null, remark);
        addRow(outcome, entries.get(2).name, entries.get(2), bare, null, null, remark);
        if (polls) {
            Entry polling = entries.get(3); // all that polling could bring
            Entry polled = entries.get(4);
            addRow(outcome, polling.name, polling, bare, null, null, remark);
            addRow(outcome, polled.name + " (x: of " + polling.name + ")", polled, polling, null, null, remark);
            addRow(outcome, polled.name + " (x: of vportd)", polled, ours, Target.atMost(POLLED), null, remark);
        }
        return outcome;
    }

    private void addRow(
            Outcome outcome,
            String named,
            Entry who,
            Entry of,
            @Nullable Target p50,
            @Nullable Target p99,
            String remark) {
        List<Latencies.Summary> turns = who.turns;
        List<Latencies.Summary> base = of.turns;
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
                remark);
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
