package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.vportd.loop.EventLoop;
import org.vportd.posix.PosixException;

/** A loop that the test's own thread turns. */
public final class TestLoop implements AutoCloseable {
    private static final List<String> OUR_KINDS = List.of("socket:", "pipe:", "anon_inode:", "/dev/pt", "/tmp/");

    private static final long LINGER_NS = TimeUnit.SECONDS.toNanos(6);
    private static final long DEADLINE_NS = TimeUnit.SECONDS.toNanos(20);

    private final EventLoop loop;

    /** Makes one. */
    public TestLoop() throws PosixException {
        loop = EventLoop.open();
    }

    /** The loop itself. */
    public EventLoop loop() {
        return loop;
    }

    /** Turns until something is so; fails if that takes too long. */
    public void until(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + DEADLINE_NS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("did not happen: " + what);
            }
            loop.turn(5);
        }
    }

    /** Turns without waiting until nothing is left to do. */
    public void settle() {
        int idle = 0;
        for (int turns = 0; idle < 3; turns++) {
            if (turns == 100_000) {
                throw new AssertionError("the loop spins");
            }
            idle = loop.turn(0) == 0 ? idle + 1 : 0;
        }
    }

    /** How many descriptors of the kinds that chardevs use are open; the virtual machine opens files when it likes. */
    public static long openDescriptors() throws IOException {
        return targets().stream().filter(TestLoop::isOurs).count();
    }

    private static List<String> targets() throws IOException {
        List<String> targets = new ArrayList<>();
        try (Stream<Path> entries = Files.list(Path.of("/proc/self/fd"))) {
            for (Path entry : (Iterable<Path>) entries::iterator) {
                targets.add(target(entry));
            }
        }
        return targets;
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException e) {
            return "closed meanwhile";
        }
    }

    private static boolean isOurs(String target) {
        return OUR_KINDS.stream().anyMatch(target::startsWith);
    }

    /** Nothing has been left open since. There may be less: the last test's peers close in their own time. */
    public static void assertNoneLeaked(long before) throws IOException {
        List<String> now = targets();
        assertTrue(
                now.stream().filter(TestLoop::isOurs).count() <= before,
                "descriptors open: before=" + before + " now=" + now);
    }

    @Override
    public void close() {
        long deadline = System.nanoTime() + LINGER_NS;
        while (ClosingSocket.lingering() > 0 && System.nanoTime() - deadline < 0) {
            loop.turn(5);
        }
        loop.close();
    }
}
