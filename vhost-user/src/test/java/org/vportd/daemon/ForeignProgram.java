package org.vportd.daemon;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.opentest4j.TestAbortedException;

/** A program in a process of its own, with all it prints on either stream. Every wait for it ends in time. */
final class ForeignProgram implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final List<String> command;
    private final Process process;
    private final StringBuilder output = new StringBuilder();
    private boolean atEnd;

    private ForeignProgram(List<String> command, Process process) {
        this.command = command;
        this.process = process;
        Thread reader = new Thread(this::collect, "output of " + command.get(0));
        reader.setDaemon(true);
        reader.start();
    }

    /** Starts a program of this machine; the test is skipped without it, and fails if the environment says CI=true. */
    static ForeignProgram start(String... command) throws IOException {
        if (!isInstalled(command[0])) {
            String reason = command[0] + " is not installed";
            if ("true".equals(System.getenv("CI"))) {
                throw new AssertionError(reason);
            }
            throw new TestAbortedException(reason);
        }
        return run(command);
    }

    /** Starts the packaged daemon on the Java of this test and waits until front-ends can connect. */
    static ForeignProgram daemon(Path socket, String... options) throws IOException {
        Path launcher = Path.of("target", "vportd", "bin", "vportd").toAbsolutePath();
        Stream<String> command =
                Stream.concat(Stream.of(launcher.toString(), "--socket-path=" + socket), Arrays.stream(options));
        ForeignProgram daemon = run(command.toArray(String[]::new));
        try {
            daemon.await("virtio_uml.device=");
        } catch (AssertionError e) {
            daemon.close();
            throw e;
        }
        return daemon;
    }

    private static ForeignProgram run(String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("LC_ALL", "C.UTF-8");
        return new ForeignProgram(List.of(command), builder.start());
    }

    private static boolean isInstalled(String program) {
        return Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    private void collect() {
        byte[] bytes = new byte[8192];
        try (InputStream from = process.getInputStream()) {
            for (int n = from.read(bytes); n >= 0; n = from.read(bytes)) {
                append(new String(bytes, 0, n, ISO_8859_1));
            }
        } catch (IOException e) {
            append("[" + e.getMessage() + "]");
        }
        synchronized (this) {
            atEnd = true;
            notifyAll();
        }
    }

    private synchronized void append(String text) {
        output.append(text);
        notifyAll();
    }

    /** All it has printed so far, one character a byte. */
    synchronized String output() {
        return output.toString();
    }

    /** Waits until it has printed a text. */
    synchronized void await(String text) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (output.indexOf(text) < 0) {
            long leftMs = (end - System.nanoTime()) / 1_000_000;
            if (leftMs <= 0 || atEnd) {
                throw new AssertionError("not said: text=" + text + (atEnd ? " ended" : "") + " " + this);
            }
            try {
                wait(leftMs);
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted", e);
            }
        }
    }

    /** Types a text, one byte a character. */
    void send(String text) throws IOException {
        process.getOutputStream().write(text.getBytes(ISO_8859_1));
        process.getOutputStream().flush();
    }

    /** Says that nothing more is typed. */
    void endInput() throws IOException {
        process.getOutputStream().close();
    }

    /** Asks it to end, by SIGTERM. */
    void terminate() {
        process.destroy();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Waits for its end. */
    int exitStatus() throws InterruptedException {
        if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AssertionError("did not end: " + this);
        }
        return process.exitValue();
    }

    @Override
    public String toString() {
        return String.join(" ", command) + "\n--- it said:\n" + output();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
