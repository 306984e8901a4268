package org.vportd.bench.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** A process that ends with this one at the latest. */
final class ChildProcess implements AutoCloseable {
    private static final int END_MS = 5000;
    private static final Set<Process> ALL = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> ALL.forEach(Process::destroyForcibly), "end-children"));
    }

    private final Process process;
    private final Path log;

    private ChildProcess(Process process, Path log) {
        this.process = process;
        this.log = log;
        ALL.add(process);
    }

    /** Starts it; what it says on stderr, and on stdout if that is sent there too, is kept in a file. */
    static ChildProcess start(ProcessBuilder builder, Path log) throws IOException {
        builder.redirectError(log.toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        return new ChildProcess(builder.start(), log);
    }

    Process process() {
        return process;
    }

    long pid() {
        return process.pid();
    }

    /** Throws if it has ended. */
    void check() throws IOException {
        if (!process.isAlive()) {
            throw new IOException("ended: status=" + process.exitValue() + " " + tail());
        }
    }

    /** What it said. */
    String tail() throws IOException {
        return Files.exists(log) ? log + ": " + Files.readString(log) : "";
    }

    /** Ends it in order if it ends in time, and otherwise at once. */
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(END_MS, TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
                process.waitFor(END_MS, TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        ALL.remove(process);
    }
}
