package org.vportd.bench.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.bench.peer.Direction;
import org.vportd.bench.peer.Wire;
import picocli.CommandLine;

/** Runs so short that their numbers mean nothing: that everything moves, is counted and ends. */
@Timeout(60)
class DaemonRunIT {
    private static final Path PROGRAM = Path.of("..", "vhost-user", "target", "vportd", "bin", "vportd");
    private static final BenchOptions OPTIONS =
            new BenchOptions(PROGRAM, List.of(), List.of(), List.of(), 1, 50, 0, 10, 50, 0, false);

    @TempDir
    private Path directory;

    @Test
    void shouldCountTheSameAtDriverPlainLoopAndPeerWhenTransmitting() throws Exception {
        Load load = Load.of(Wire.UNIX, Direction.TX, 4096).withGuests(2).withPorts(2);
        try (Bench bench = new Bench(OPTIONS);
                DaemonContender daemon = DaemonContender.start(bench, PROGRAM, List.of(), load);
                LimitContender limit = LimitContender.start(bench, bench.plainCommand(daemon.daemon()), load, 64)) {
            for (Contender contender : List.of(daemon, limit)) {
                contender.go();
                awaitBytes(contender, 1 << 20);
                contender.halt();
            }
            Measurement ours = awaitBytes(daemon, daemon.sentBytes());
            assertEquals(daemon.sentBytes(), ours.bytes());
            assertEquals(ours.bytes(), ours.buffers() * 4096);
            assertTrue(ours.kicks() > 0 && ours.calls() > 0 && ours.cpuNs() > 0, ours::toString);
            Measurement plain = awaitBytes(limit, limit.countedBytes());
            assertEquals(limit.countedBytes(), plain.bytes());
        }
    }

    /** The peer may still be reading when the other side has written everything. */
    private static Measurement awaitBytes(Contender contender, long bytes) throws IOException {
        long end = System.nanoTime() + 10_000_000_000L;
        Measurement state = contender.state();
        while (state.bytes() < bytes && System.nanoTime() - end < 0) {
            Pause.ms(2);
            state = contender.state();
        }
        return state;
    }

    @Test
    void shouldReportThroughputAndRoundTripWhenCalledAsACommand() throws Exception {
        Path output = directory.resolve("run").resolve("bench.txt");
        StringWriter said = new StringWriter();
        int status = new CommandLine(new BenchCommand())
                .setOut(new PrintWriter(said))
                .execute(
                        "--vportd=" + PROGRAM,
                        "--scenario=both-unix-4K,ping-64",
                        "--rounds=2",
                        "--window=50",
                        "--warmup=50",
                        "--no-strace",
                        "--arg=--poll=0",
                        "--output=" + output);
        assertEquals(0, status, said::toString);
        List<String> lines = Files.readAllLines(output);
        assertTrue(lines.get(0).startsWith("date "), () -> lines.get(0));
        assertTrue(lines.stream().anyMatch(line -> line.startsWith("unix both 4K ")), said::toString);
        assertTrue(lines.stream().anyMatch(line -> line.strip().startsWith("64 B, bare loop ")), said::toString);
        List<String> numbers = Files.readAllLines(output.resolveSibling("bench.csv"));
        assertEquals("scenario,measure,unit,value,limit,ratio,low,high,bound,met", numbers.get(0));
        assertTrue(numbers.stream().anyMatch(line -> line.startsWith("\"both-unix-4K\",\"throughput\",MB/s,")));
        assertTrue(Files.size(output.resolveSibling("bench.png")) > 0);
    }

    @Test
    void shouldSayWhatThereIsWhenAScenarioHasNoSuchName() {
        StringWriter said = new StringWriter();
        int status = new CommandLine(new BenchCommand())
                .setErr(new PrintWriter(said))
                .execute("--vportd=" + PROGRAM, "--scenario=tx-nowhere");
        assertEquals(2, status);
        assertTrue(said.toString().startsWith("no such scenario: name=tx-nowhere; there are start, "), said::toString);
    }
}
