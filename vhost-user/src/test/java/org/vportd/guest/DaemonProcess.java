package org.vportd.guest;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The daemon as it is packaged, in a process of its own. What it says goes to {@code vportd.log} in the test's folder. */
final class DaemonProcess {
    private static final Duration START_TIMEOUT = Duration.ofSeconds(20);
    private static final Path IN_MODULE = Path.of("target", "vportd", "bin", "vportd");

    private final Process process;
    private final Path log;

    private DaemonProcess(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /** Starts it on the Java of this test and waits until front-ends can connect. */
    static DaemonProcess start(Path socket, Path dir, List<String> options) throws IOException {
        List<String> all = new ArrayList<>(List.of("--socket-path=" + socket));
        all.addAll(options);
        return start(dir, dir.resolve("vportd.log"), all, "listening on ");
    }

    /** Starts one that takes the place of another one, and waits until it has done so. */
    static DaemonProcess takeOver(Path handover, Path dir, int number) throws IOException {
        Path log = dir.resolve("vportd-" + number + ".log");
        return start(dir, log, List.of("--take-over=" + handover), "taken over ");
    }

    private static DaemonProcess start(Path dir, Path log, List<String> options, String sign) throws IOException {
        List<String> command =
                new ArrayList<>(List.of(program().toAbsolutePath().toString()));
        command.addAll(options);
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(dir.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        DaemonProcess daemon = new DaemonProcess(builder.start(), log);
        try {
            MatchResult unused = daemon.awaitLog(Pattern.compile(sign), START_TIMEOUT);
        } catch (AssertionError | IOException e) {
            daemon.process.destroyForcibly();
            throw e;
        }
        return daemon;
    }

    /** Waits until its log has a match, from the beginning of the log on. */
    MatchResult awaitLog(Pattern pattern, Duration timeout) throws IOException {
        Deadline deadline = Deadline.after(timeout);
        while (true) {
            boolean last = deadline.isOver() || !process.isAlive();
            Matcher matcher = pattern.matcher(log());
            if (matcher.find()) {
                return matcher.toMatchResult();
            }
            if (last) {
                throw new AssertionError("vportd did not say it: pattern=" + pattern + " timeout=" + timeout + tail());
            }
            boolean unused = Deadline.after(Duration.ofMillis(20)).await(() -> false);
        }
    }

    long pid() {
        return process.pid();
    }

    String log() throws IOException {
        return Files.readString(log, UTF_8);
    }

    /** What it said, for failures. */
    String tail() throws IOException {
        String state = process.isAlive() ? "running" : "exit status " + process.exitValue();
        return "\n--- vportd (" + state + "), " + log + ":\n" + log();
    }

    /** Ends it by SIGTERM, if it has not ended yet, and returns its exit status. */
    int terminate(Duration timeout) throws IOException {
        process.destroy();
        return awaitExit(timeout);
    }

    /** Ends it by SIGKILL. */
    void kill(Duration timeout) throws IOException {
        process.destroyForcibly();
        int unused = awaitExit(timeout);
    }

    /** Waits until it has ended and returns its exit status. */
    int awaitExit(Duration timeout) throws IOException {
        try {
            if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                String tail = tail();
                process.destroyForcibly();
                throw new AssertionError("vportd does not end: timeout=" + timeout + tail);
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while ending vportd", e);
        }
        return process.exitValue();
    }

    private static Path program() {
        Path program =
                Files.exists(IN_MODULE) ? IN_MODULE : Path.of("vhost-user").resolve(IN_MODULE);
        if (!Files.isExecutable(program)) {
            throw new AssertionError("the daemon is not packaged: program=" + program.toAbsolutePath());
        }
        return program;
    }
}
