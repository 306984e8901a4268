package org.vportd.bench.daemon;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
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
    private static final String POLL = "--poll";
    /** Longer than a round trip takes. */
    private static final String POLL_US = "50";

    @Override
    public Outcome run(Bench bench) throws IOException {
        BenchOptions options = bench.options();
        List<Pinger> pingers = new ArrayList<>();
        List<String> names = new ArrayList<>();
        try {
            Pinger.Daemon ours = Pinger.Daemon.start(bench, options.arguments(), blockBytes);
            pingers.add(ours);
            names.add("vportd");
            List<String> command = bench.plainCommand(ours.daemon());
            pingers.add(Pinger.Bare.start(bench, command, blockBytes, false));
            names.add("bare loop");
            pingers.add(Pinger.Bare.start(bench, command, blockBytes, true));
            names.add("bare loop with epoll");
            boolean polls = options.arguments().stream().noneMatch(argument -> argument.startsWith(POLL))
                    && DaemonProcess.knows(options.program(), POLL, bench.newFolder());
            if (polls) {
                List<String> more = new ArrayList<>(options.arguments());
                more.add(POLL + "=" + POLL_US);
                pingers.add(Pinger.Daemon.start(bench, more, blockBytes));
                names.add("vportd " + POLL + "=" + POLL_US);
            }
            return report(names, measure(pingers, options));
        } finally {
            pingers.forEach(Pinger::close);
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
        for (int round = 0; round < options.rounds(); round++) {
            for (int i = 0; i < pingers.size(); i++) {
                latencies.clear();
                pingers.get(i).ping(options.settleMs(), latencies);
                latencies.clear();
                pingers.get(i).ping(options.windowMs(), latencies);
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

    private Outcome report(List<String> names, Turns measured) {
        List<List<Latencies.Summary>> turns = measured.summaries;
        Outcome outcome = new Outcome();
        List<Latencies.Summary> bare = turns.get(1);
        for (int i = 0; i < turns.size(); i++) {
            boolean interruptDriven = i == 0;
            boolean polled = i == 3;
            List<Latencies.Summary> base = polled ? turns.get(0) : bare;
            Target p50 = interruptDriven ? Target.atMost(P50) : polled ? Target.atMost(POLLED) : null;
            String who = names.get(i);
            Figure half = figure(outcome, who + " p50", turns.get(i), base, Latencies.Summary::p50Us, p50);
            Figure most = figure(
                    outcome,
                    who + " p99",
                    turns.get(i),
                    base,
                    Latencies.Summary::p99Us,
                    interruptDriven ? Target.atMost(P99) : null);
            Figure all = figure(outcome, who + " p99.9", turns.get(i), base, Latencies.Summary::p999Us, null);
            outcome.addRow(
                    Section.ROUND_TRIP,
                    Load.size(blockBytes) + " B, " + who + (polled ? " (x: of vportd)" : ""),
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
        return outcome;
    }

    private Figure figure(
            Outcome outcome,
            String measure,
            List<Latencies.Summary> turns,
            List<Latencies.Summary> base,
            java.util.function.ToDoubleFunction<Latencies.Summary> value,
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
