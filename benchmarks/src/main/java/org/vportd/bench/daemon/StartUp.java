package org.vportd.bench.daemon;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.vportd.bench.peer.Connector;
import org.vportd.bench.peer.Direction;
import org.vportd.bench.peer.Wire;
import org.vportd.bench.report.Figure;
import org.vportd.bench.report.Outcome;
import org.vportd.bench.report.Section;
import org.vportd.bench.report.Target;

/**
 * How long the daemon takes from the start of its process to a socket that accepts, and how much memory it holds.
 *
 * @param name what it is called
 * @param starts how often it is started
 */
record StartUp(String name, int starts) implements Scenario {
    private static final double START_MS = 250;
    private static final double RESIDENT_MB = 64;
    private static final double MEBI = 1 << 20;
    private static final int SETTLE_MS = 300;

    @Override
    public Outcome run(Bench bench) throws IOException {
        Load load = Load.of(Wire.UNIX, Direction.TX, 4096);
        List<Double> times = new ArrayList<>();
        List<Double> sizes = new ArrayList<>();
        for (int i = 0; i < starts; i++) {
            Path folder = bench.newFolder();
            DaemonArguments arguments = DaemonArguments.make(load, folder);
            List<String> words = new ArrayList<>(bench.options().arguments());
            words.addAll(arguments.words());
            long start = System.nanoTime();
            try (DaemonProcess daemon = DaemonProcess.start(bench.options().program(), folder, words)) {
                Connector.unix(arguments.guestSockets().get(0), TimeUnit.SECONDS.toNanos(20))
                        .close();
                times.add((System.nanoTime() - start) / 1e6);
                Pause.ms(SETTLE_MS);
                sizes.add(CpuClock.residentBytes(daemon.pid()) / MEBI);
            }
        }
        Outcome outcome = new Outcome();
        add(outcome, "start to listening, ms", times, START_MS);
        add(outcome, "resident after start, MiB", sizes, RESIDENT_MB);
        add(outcome, "resident after load, MiB", List.of(afterLoad(bench, load)), RESIDENT_MB);
        return outcome;
    }

    private static double afterLoad(Bench bench, Load load) throws IOException {
        BenchOptions options = bench.options();
        try (DaemonContender daemon = DaemonContender.start(bench, options.program(), options.arguments(), load)) {
            daemon.go();
            Pause.ms(options.warmupMs() + options.windowMs());
            daemon.halt();
            return CpuClock.residentBytes(daemon.daemon().pid()) / MEBI;
        }
    }

    private void add(Outcome outcome, String measure, List<Double> values, double bound) {
        Ratio spread = Ratio.of(values);
        Figure figure = outcome.add(Figure.plain(name, measure, "", spread.median(), Target.atMost(bound)));
        outcome.addRow(
                Section.PROCESS,
                "start",
                measure,
                Text.number(figure.value()),
                "",
                values.size() > 1 ? Text.range(spread.low(), spread.high()) : "",
                figure.mark());
    }
}
