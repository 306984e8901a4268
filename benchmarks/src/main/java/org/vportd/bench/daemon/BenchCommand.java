package org.vportd.bench.daemon;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.vportd.bench.report.Machine;
import org.vportd.bench.report.Outcome;
import org.vportd.bench.report.Plot;
import org.vportd.bench.report.Report;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line of whole-daemon runs. */
@Command(
        name = "bench",
        description = "Measures the packaged daemon against plain loops of system calls, in turns.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class BenchCommand implements Callable<Integer> {
    private static final int SETTLE_MS = 100;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(names = "--full", description = "Run all scenarios instead of the quick ones (about 20 minutes).")
    private boolean full;

    @Option(
            names = "--quick",
            description = "Run, or choose from, the quick scenarios; so it is without --full and --scenario.")
    private boolean quick;

    @Option(
            names = "--scenario",
            split = ",",
            paramLabel = "NAME",
            description = "Run these; tx stands for all that begin with tx-.")
    private List<String> scenarios = List.of();

    @Option(names = "--list", description = "Print the names of all scenarios, and exit.")
    private boolean list;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "Turns of each (${DEFAULT-VALUE}).")
    private int rounds;

    @Option(
            names = "--window",
            paramLabel = "MS",
            defaultValue = "400",
            description = "How long a turn is measured (${DEFAULT-VALUE}).")
    private int windowMs;

    @Option(
            names = "--repeats",
            paramLabel = "N",
            defaultValue = "2",
            description = "How often a turn is made again at the most if others used the machine meanwhile"
                    + " (${DEFAULT-VALUE}).")
    private int repeats;

    @Option(
            names = "--warmup",
            paramLabel = "MS",
            defaultValue = "1000",
            description = "How long each runs before its first turn (${DEFAULT-VALUE}).")
    private int warmupMs;

    @Option(
            names = "--spin",
            paramLabel = "US",
            defaultValue = "50",
            description =
                    "How long the driver of buffers up to 1 KiB looks for returned ones before it waits for a call"
                            + " (${DEFAULT-VALUE}).")
    private int spinUs;

    @Option(
            names = "--vportd",
            paramLabel = "PATH",
            defaultValue = "vhost-user/target/vportd/bin/vportd",
            description = "The daemon (${DEFAULT-VALUE}).")
    private Path program = Path.of("");

    @Option(names = "--arg", paramLabel = "ARG", description = "One more argument for the daemon; may be repeated.")
    private List<String> arguments = List.of();

    @Option(
            names = "--other",
            paramLabel = "PATH",
            description = "Another daemon, measured in the same turns; ratios of it are to the first one.")
    private List<Path> others = List.of();

    @Option(names = "--other-arg", paramLabel = "ARG", description = "One more argument for the other one.")
    private List<String> otherArguments = List.of();

    @Option(names = "--no-strace", description = "Do not count system calls.")
    private boolean noStrace;

    @Option(
            names = "--output",
            paramLabel = "PATH",
            defaultValue = "benchmarks/target/bench.txt",
            description = "Where the text goes; numbers (.csv) and a plot (.png) go beside it (${DEFAULT-VALUE}).")
    private Path output = Path.of("");

    /** Runs it. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new BenchCommand()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        Catalogue catalogue = new Catalogue();
        if (list) {
            catalogue.names().forEach(out::println);
            return 0;
        }
        check();
        List<Scenario> selected = select(catalogue);
        boolean systemCalls = !noStrace && SystemCalls.canBeCounted();
        BenchOptions options = new BenchOptions(
                program,
                others,
                arguments,
                otherArguments,
                rounds,
                windowMs,
                repeats,
                SETTLE_MS,
                warmupMs,
                spinUs,
                systemCalls);
        Report report = new Report(header(options));
        int failed = 0;
        try (Bench bench = new Bench(options)) {
            for (Scenario scenario : selected) {
                out.print(scenario.name() + " ... ");
                out.flush();
                try {
                    Outcome outcome = scenario.run(bench);
                    report.add(outcome);
                    outcome.rows().forEach(row -> out.println(String.join(" | ", row.cells())));
                } catch (IOException e) {
                    failed++;
                    out.println("failed: " + e.getMessage());
                }
            }
        }
        out.println();
        report.lines().forEach(out::println);
        report.write(output);
        out.println("Written to " + output + "; numbers and plot beside it");
        Plot.write(report.figures(), output);
        out.flush();
        return failed == 0 ? 0 : 1;
    }

    private void check() {
        for (Path each : programs()) {
            if (!Files.isExecutable(each)) {
                throw new ParameterException(
                        spec.commandLine(), "no daemon there, build it with ./mvnw -DskipTests package: path=" + each);
            }
        }
        if (rounds < 1 || windowMs < 10 || warmupMs < 0 || spinUs < 0 || repeats < 0) {
            throw new ParameterException(
                    spec.commandLine(),
                    "out of range: --rounds is at least 1, --window 10, --warmup, --repeats and --spin 0");
        }
    }

    private List<Path> programs() {
        List<Path> all = new ArrayList<>(others);
        all.add(program);
        return all;
    }

    private List<Scenario> select(Catalogue catalogue) {
        try {
            if (!scenarios.isEmpty()) {
                return catalogue.select(scenarios, quick);
            }
            return full ? catalogue.full() : catalogue.quick();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private static List<String> header(BenchOptions options) {
        List<String> lines = new ArrayList<>(Machine.lines());
        lines.add(String.format(
                "run     %d turns of %d ms each, after %d ms of warm-up; medians, and of ratios all turns (min..max)",
                options.rounds(), options.windowMs(), options.warmupMs()));
        if (!options.arguments().isEmpty()) {
            lines.add("daemon  " + String.join(" ", options.arguments()));
        }
        if (!options.systemCalls()) {
            lines.add("strace  not there or not wanted: system calls other than reads and writes are not counted");
        }
        return lines;
    }
}
