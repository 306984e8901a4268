package org.vportd.guest;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.opentest4j.TestAbortedException;

/** Where the programs and files of the guests are, as {@code src/test/guest/fetch.sh} prints it. */
record GuestFiles(Path qemu, Path kernel, Path initrd, Path uml, Path umlRoot) {
    private static final int CANNOT = 77;
    private static final long FETCH_MINUTES = 15;

    private static @Nullable Outcome outcome;

    /**
     * Fetches the guests, or finds them fetched. Where that is impossible, aborts the test with the reason, or fails it if
     * the environment says {@code CI=true}.
     */
    static synchronized GuestFiles require() {
        if (outcome == null) {
            outcome = fetch();
            if (outcome.files() == null) {
                System.out.println("no real guests here: " + outcome.reason());
            }
        }
        GuestFiles files = outcome.files();
        if (files != null) {
            return files;
        }
        if ("true".equals(System.getenv("CI"))) {
            throw new AssertionError("no real guests: " + outcome.reason());
        }
        throw new TestAbortedException("no real guests: " + outcome.reason());
    }

    private static Outcome fetch() {
        try {
            Path errors = Files.createTempFile("fetch", ".err");
            try {
                return fetch(errors);
            } finally {
                Files.delete(errors);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while fetching the guests", e);
        }
    }

    private static Outcome fetch(Path errors) throws IOException, InterruptedException {
        Path output = Files.createTempFile("fetch", ".out");
        try {
            Process process = new ProcessBuilder("sh", script().toString())
                    .redirectOutput(output.toFile())
                    .redirectError(errors.toFile())
                    .start();
            if (!process.waitFor(FETCH_MINUTES, TimeUnit.MINUTES)) {
                process.destroy(); // it clears up after itself
                return new Outcome(null, "fetching them took over " + FETCH_MINUTES + " minutes");
            }
            int status = process.exitValue();
            String reason = Files.readString(errors, UTF_8).strip();
            if (status != 0 && status != CANNOT) {
                throw new AssertionError("fetch.sh: status=" + status + ": " + reason);
            }
            return status == 0 ? new Outcome(parse(output), "") : new Outcome(null, reason);
        } finally {
            Files.delete(output);
        }
    }

    private static GuestFiles parse(Path output) throws IOException {
        Map<String, Path> paths = new HashMap<>();
        for (String line : Files.readAllLines(output, UTF_8)) {
            int equals = line.indexOf('=');
            if (equals > 0) {
                paths.put(line.substring(0, equals), Path.of(line.substring(equals + 1)));
            }
        }
        return new GuestFiles(
                path(paths, "QEMU"),
                path(paths, "KERNEL"),
                path(paths, "INITRD"),
                path(paths, "UML"),
                path(paths, "UML_ROOT"));
    }

    private static Path path(Map<String, Path> paths, String key) {
        Path path = paths.get(key);
        if (path == null) {
            throw new AssertionError("fetch.sh did not print " + key);
        }
        return path;
    }

    /** The script, whether the tests run in the module's folder (Maven) or in the project's (some IDEs). */
    private static Path script() {
        Path inModule = Path.of("src", "test", "guest", "fetch.sh");
        return Files.exists(inModule) ? inModule : Path.of("vhost-user").resolve(inModule);
    }

    private record Outcome(@Nullable GuestFiles files, String reason) {}
}
