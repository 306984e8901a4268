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
 * The CPU time of daemons on which nothing happens, all watched at the same time: with one device, with many devices, with
 * many ports, with many guests.
 *
 * @param name what it is called
 * @param devices how many devices without a guest one of them has
 */
record Idle(String name, int devices) implements Scenario {
    private static final int WATCH_MS = 5000;
    private static final int SETTLE_MS = 1000;
    private static final int PORTS = 30;
    private static final int GUESTS = 500;
    private static final int MOST_TICKS = 2; // what a JVM with nothing to do may come to in this time

    @Override
    public Outcome run(Bench bench) throws IOException {
        Load one = Load.of(Wire.UNIX, Direction.TX, 4096);
        List<AutoCloseable> open = new ArrayList<>();
        try {
            List<String> words = List.of(
                    "1 device", devices + " devices", "a guest with " + PORTS + " idle ports", GUESTS + " idle guests");
            List<DaemonProcess> daemons = List.of(
                    unused(bench, one, open),
                    unused(bench, one.withGuests(devices), open),
                    used(bench, one.withPorts(PORTS), open),
                    used(bench, one.withGuests(GUESTS), open));
            Pause.ms(SETTLE_MS);
            long[] ticks = ticks(daemons);
            long[] ns = ns(daemons);
            Pause.ms(WATCH_MS);
            long[] ticksAfter = ticks(daemons);
            long[] nsAfter = ns(daemons);
            Outcome outcome = new Outcome();
            for (int i = 0; i < daemons.size(); i++) {
                Figure figure = outcome.add(Figure.plain(
                        name,
                        words.get(i) + ", ticks in 5 s",
                        "",
                        (double) (ticksAfter[i] - ticks[i]),
                        Target.atMost(MOST_TICKS)));
                outcome.addRow(
                        Section.PROCESS,
                        "idle",
                        figure.measure(),
                        Text.number(figure.value()),
                        i == 0 ? "" : Text.number((double) (ticksAfter[0] - ticks[0])),
                        "",
                        figure.mark());
                Figure fine = outcome.add(Figure.plain(
                        name,
                        words.get(i) + ", CPU ms in 5 s",
                        "ms",
                        TimeUnit.NANOSECONDS.toMicros(nsAfter[i] - ns[i]) / 1000.0,
                        null));
                outcome.addRow(Section.PROCESS, "idle", fine.measure(), Text.number(fine.value()), "", "", "");
            }
            return outcome;
        } finally {
            for (int i = open.size() - 1; i >= 0; i--) {
                close(open.get(i));
            }
        }
    }

    private static DaemonProcess unused(Bench bench, Load load, List<AutoCloseable> open) throws IOException {
        Path folder = bench.newFolder();
        DaemonArguments arguments = DaemonArguments.make(load, folder);
        List<String> words = new ArrayList<>(bench.options().arguments());
        words.addAll(arguments.words());
        DaemonProcess daemon = DaemonProcess.start(bench.options().program(), folder, words);
        open.add(daemon);
        List<String> sockets = arguments.guestSockets();
        Connector.unix(sockets.get(sockets.size() - 1), TimeUnit.SECONDS.toNanos(20))
                .close();
        return daemon;
    }

    private static DaemonProcess used(Bench bench, Load load, List<AutoCloseable> open) throws IOException {
        BenchOptions options = bench.options();
        DaemonContender contender = DaemonContender.start(bench, options.program(), options.arguments(), load);
        open.add(contender);
        return contender.daemon();
    }

    private static void close(AutoCloseable what) {
        if (what instanceof DaemonProcess daemon) {
            daemon.close();
        } else if (what instanceof Contender contender) {
            contender.close();
        }
    }

    private static long[] ticks(List<DaemonProcess> daemons) throws IOException {
        long[] all = new long[daemons.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = CpuClock.ticks(daemons.get(i).pid());
        }
        return all;
    }

    private static long[] ns(List<DaemonProcess> daemons) throws IOException {
        long[] all = new long[daemons.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = daemons.get(i).cpuNs();
        }
        return all;
    }
}
