package org.vportd.bench.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** The packaged daemon in a process of its own. */
final class DaemonProcess implements AutoCloseable {
    private static final long START_NS = TimeUnit.SECONDS.toNanos(20);

    private final ChildProcess child;
    private final ProcessClock clock;

    private DaemonProcess(ChildProcess child) {
        this.child = child;
        this.clock = new ProcessClock(child.pid());
    }

    /** Starts it. Its sockets may come a little later. */
    static DaemonProcess start(Path program, Path folder, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(program.toAbsolutePath().toString());
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.redirectOutput(folder.resolve("vportd.out").toFile());
        return new DaemonProcess(ChildProcess.start(builder, folder.resolve("vportd.log")));
    }

    long pid() {
        return child.pid();
    }

    /** Its CPU time. */
    long cpuNs() throws IOException {
        return clock.ns();
    }

    /** Throws what it said if it has ended. */
    void check() throws IOException {
        child.check();
    }

    /** What it said, for failures. */
    String said() {
        try {
            return child.tail();
        } catch (IOException e) {
            return "nothing can be read of what it said: " + e.getMessage();
        }
    }

    /** Waits until files are there that it makes. */
    void awaitPaths(List<String> paths) throws IOException {
        long end = System.nanoTime() + START_NS;
        for (String path : paths) {
            while (!Files.exists(Path.of(path))) {
                check();
                if (System.nanoTime() - end >= 0) {
                    throw new IOException("daemon made no such file: path=" + path + " " + child.tail());
                }
                Pause.ms(1);
            }
        }
    }

    /** Whether the program knows an option. */
    static boolean knows(Path program, String option, Path folder) throws IOException {
        Path help = folder.resolve("help.out");
        ProcessBuilder builder = new ProcessBuilder(program.toAbsolutePath().toString(), "--help");
        builder.redirectOutput(help.toFile());
        try (ChildProcess child = ChildProcess.start(builder, folder.resolve("help.log"))) {
            boolean ended = child.process().waitFor(20, TimeUnit.SECONDS);
            return ended
                    && Pattern.compile("(^|\\s|,)" + option + "\\b")
                            .matcher(Files.readString(help))
                            .find();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public void close() {
        child.close();
    }
}
