package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;
import org.vportd.testing.OpenDescriptors;

/**
 * The whole daemon under random commands, and clients that come, stop reading and vanish. A failure names the seed;
 * {@code -Dvportd.seed=N} begins with the same steps, and {@code -Dvportd.chaos.steps=N} takes more of them.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ChaosTest {
    private static final String SEED_PROPERTY = "vportd.seed";
    private static final int STEPS = Integer.getInteger("vportd.chaos.steps", 2500);
    private static final int WARM_UP_STEPS = 300;
    private static final int PATIENCE_S = 20;
    private static final long MEMORY_BOUND_KB = 32 << 10;
    private static final Pattern MAPPING = Pattern.compile("([0-9a-f]+)-[0-9a-f]+ ");
    private static final long HIGH_ADDRESS = 1L << 40;

    @TempDir
    private Path folder;

    private final List<Logger> silenced = new ArrayList<>();
    private boolean hasTls;
    private DaemonThread daemon;

    @BeforeEach
    void start() throws Exception {
        Logger all = Logger.getLogger("org.vportd");
        all.setLevel(Level.OFF); // connections fail all the time
        silenced.add(all);
        assertEquals(
                0,
                new ProcessBuilder(
                                "mkfifo",
                                folder.resolve("f.in").toString(),
                                folder.resolve("f.out").toString())
                        .start()
                        .waitFor());
        List<String> args = new ArrayList<>(List.of(
                "--socket-path=" + folder.resolve("v.sock"),
                "--threads=2",
                "--poll=50",
                "-chardev",
                server("stable"),
                "-qmp",
                "unix:" + folder.resolve("qmp") + ",server=on,wait=off",
                "-device", // keeps the thread of the monitor busy, so the other one has its own
                "vhost-user-serial,id=idle,socket-path=" + folder.resolve("idle"),
                "-device",
                "vhost-user-serial,id=vm",
                "-device",
                "virtserialport,bus=vm.0,chardev=stable,id=fixed,nr=1"));
        addCredentials(args);
        daemon = new DaemonThread(args);
    }

    private String server(String id) {
        return "socket,server=on,wait=off,id=" + id + ",path=" + folder.resolve(id);
    }

    private void addCredentials(List<String> args) throws Exception {
        try {
            Path ours = new TestCertificates(folder).credentials("server", "server");
            args.addAll(List.of("-object", "tls-creds-x509,id=tls,endpoint=server,verify-peer=off,dir=" + ours));
            hasTls = true;
        } catch (TestAbortedException e) {
            // without openssl there is one thing less
        }
    }

    @AfterEach
    void stop() throws Exception {
        daemon.close();
        silenced.forEach(logger -> logger.setLevel(null));
    }

    @Test
    @DisplayName("CH-38 QMP-15 nothing that clients and guests do together leaves a trace, or a wrong byte elsewhere")
    void shouldKeepOrderWhateverIsAsked() throws Exception {
        Long given = Long.getLong(SEED_PROPERTY);
        long seed = given == null ? System.nanoTime() : given;
        String[] story = {""};
        try {
            Map<String, Integer> unused = chaos(seed ^ -1, WARM_UP_STEPS, story);
            Traces before = settled();
            Map<String, Integer> done = chaos(seed, STEPS, story);
            for (String kind : List.of("chardev-add", "chardev-change", "device_add", "connect", "exchange")) {
                assertTrue(done.getOrDefault(kind, 0) >= STEPS / 200, done::toString);
            }
            await(() -> traces().equals(before), () -> "before " + before + ", now " + traces());
            long grown = nativeKilobytes() - before.nativeKilobytes;
            assertTrue(grown < MEMORY_BOUND_KB, () -> "memory has grown: kB=" + grown);
        } catch (Exception | Error e) {
            throw new AssertionError(
                    "replay with -D" + SEED_PROPERTY + "=" + seed + "; the steps before:\n  " + story[0], e);
        }
    }

    private Map<String, Integer> chaos(long seed, int steps, String[] story) throws Exception {
        try (ChaosRun run = new ChaosRun(seed, folder, hasTls)) {
            try {
                run.steps(steps);
                run.clearUp();
            } catch (Exception | Error e) {
                story[0] = run.story();
                throw e;
            }
            return run.done();
        }
    }

    /** What could be left behind. Memory is not for comparing. */
    private record Traces(long descriptors, Set<String> threads, Set<String> files, long nativeKilobytes) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Traces traces
                    && traces.descriptors == descriptors
                    && traces.threads.equals(threads)
                    && traces.files.equals(files);
        }

        @Override
        public int hashCode() {
            return files.hashCode();
        }
    }

    /** What is there once farewells that peers never read have been given up. */
    private Traces settled() throws Exception {
        Traces[] last = {traces()};
        long[] since = {System.nanoTime()};
        await(
                () -> {
                    Traces now = traces();
                    if (!now.equals(last[0])) {
                        last[0] = now;
                        since[0] = System.nanoTime();
                    }
                    return System.nanoTime() - since[0] > TimeUnit.MILLISECONDS.toNanos(500)
                            && now.threads.stream().noneMatch("tls-handshake"::equals);
                },
                () -> "still changing: " + traces());
        return last[0];
    }

    private Traces traces() {
        try (Stream<Path> files = Files.list(folder)) {
            Set<String> names = files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.matches("(o|log)\\d")) // files stay, unlike sockets and links
                    .collect(Collectors.toCollection(TreeSet::new));
            Set<String> threads = Thread.getAllStackTraces().keySet().stream()
                    .map(Thread::getName)
                    .filter(name -> name.matches("test-daemon|tls-.*|resolve-.*|echo-guest|vportd-.*"))
                    .collect(Collectors.toCollection(TreeSet::new));
            return new Traces(OpenDescriptors.count(), threads, names, nativeKilobytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Resident memory of this process that is neither a file's nor the JVM's heap, which compressed references keep at
     * low addresses, unlike what malloc and mmap hand out.
     */
    private static long nativeKilobytes() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/smaps"))) {
            boolean isHigh = false;
            long sum = 0;
            for (String line : (Iterable<String>) lines::iterator) {
                Matcher mapping = MAPPING.matcher(line);
                if (mapping.lookingAt()) {
                    isHigh = Long.parseUnsignedLong(mapping.group(1), 16) > HIGH_ADDRESS;
                } else if (isHigh && line.startsWith("Anonymous:")) {
                    sum += Long.parseLong(line.replaceAll("\\D", ""));
                }
            }
            return sum;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void await(BooleanSupplier condition, Supplier<String> message) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, message);
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }
}
