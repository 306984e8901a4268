package org.vportd.bench.limit;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A process with a plain loop. It says {@code ready} and where it listens, {@code connected} when all peers have come, and
 * {@code done} after each run; a line on its input starts a run, the end of its input ends it.
 */
public final class LimitMain {
    private LimitMain() {}

    /** Runs it. */
    public static void main(String[] arguments) throws IOException {
        LimitOptions options = LimitOptions.parse(arguments);
        PrintStream out = System.out;
        List<PlainLoop> loops = new ArrayList<>();
        try (Board board = Board.open(Path.of(options.board()));
                LimitWires wires = LimitWires.open(options)) {
            out.println("ready " + String.join(" ", wires.addresses()));
            loops.addAll(wires.connect());
            out.println("connected");
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            while (in.readLine() != null) {
                run(loops, board);
                out.println("done");
            }
        } finally {
            loops.forEach(PlainLoop::close);
        }
    }

    private static void run(List<PlainLoop> loops, Board board) throws IOException {
        AtomicReference<IOException> failure = new AtomicReference<>();
        List<Thread> others = new ArrayList<>();
        for (int i = 1; i < loops.size(); i++) {
            int thread = i;
            Thread other = new Thread(() -> runOne(loops.get(thread), board, thread, failure), "loop-" + i);
            other.start();
            others.add(other);
        }
        runOne(loops.get(0), board, 0, failure);
        for (Thread other : others) {
            try {
                other.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        IOException what = failure.get();
        if (what != null) {
            throw what;
        }
    }

    private static void runOne(PlainLoop loop, Board board, int thread, AtomicReference<IOException> failure) {
        try {
            loop.run(board, thread);
        } catch (IOException e) {
            failure.set(e);
        }
    }
}
