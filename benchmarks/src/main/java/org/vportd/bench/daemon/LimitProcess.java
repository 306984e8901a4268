package org.vportd.bench.daemon;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.vportd.bench.limit.Board;
import org.vportd.bench.limit.LimitOptions;

/** A plain loop in a process of its own. */
final class LimitProcess implements AutoCloseable {
    private final ChildProcess child;
    private final ProcessClock clock;
    private final Board board;
    private final BufferedReader answers;
    private final OutputStream orders;
    private final List<String> addresses;
    private boolean running;

    private LimitProcess(ChildProcess child, Board board) throws IOException {
        this.child = child;
        this.clock = new ProcessClock(child.pid());
        this.board = board;
        this.answers =
                new BufferedReader(new InputStreamReader(child.process().getInputStream(), StandardCharsets.UTF_8));
        this.orders = child.process().getOutputStream();
        String ready = expect("ready");
        this.addresses = List.of(ready.substring("ready ".length()).split(" ", -1));
    }

    /**
     * Starts it; it listens then.
     *
     * @param command the Java that runs it, its main class included
     */
    static LimitProcess start(List<String> command, LimitOptions options, Path folder) throws IOException {
        List<String> all = new ArrayList<>(command);
        all.addAll(options.arguments());
        Board board = Board.open(Path.of(options.board()));
        ChildProcess child = ChildProcess.start(new ProcessBuilder(all), folder.resolve("limit.log"));
        try {
            return new LimitProcess(child, board);
        } catch (IOException | RuntimeException e) {
            child.close();
            board.close();
            throw e;
        }
    }

    long pid() {
        return child.pid();
    }

    /** Its CPU time. */
    long cpuNs() throws IOException {
        return clock.ns();
    }

    Board board() {
        return board;
    }

    /** Where its peers connect, by port. */
    List<String> addresses() {
        return addresses;
    }

    /** Waits until it has all its peers. */
    void awaitConnected() throws IOException {
        expect("connected");
    }

    /** Starts a run. */
    void go() throws IOException {
        child.check();
        board.setRunning(true);
        orders.write('\n');
        orders.flush();
        running = true;
    }

    /** Something that gets the loop out of a call it waits in. */
    @FunctionalInterface
    interface Wake {
        void now() throws IOException;
    }

    /** Ends a run; the loop must not be stuck in a call then. */
    void halt() throws IOException {
        halt(() -> {});
    }

    /** Ends a run of a loop that waits until it is woken up. */
    void halt(Wake wake) throws IOException {
        if (running) {
            board.setRunning(false);
            wake.now();
            running = false;
            expect("done");
        }
    }

    private String expect(String word) throws IOException {
        String line = answers.readLine();
        if (line == null || !line.startsWith(word)) {
            Pause.ms(100);
            throw new IOException("plain loop failed: expected=" + word + " said=" + line + " " + child.tail());
        }
        return line;
    }

    @Override
    public void close() {
        child.close();
        board.close();
    }
}
