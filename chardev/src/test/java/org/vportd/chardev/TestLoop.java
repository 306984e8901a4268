package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.vportd.loop.EventLoop;
import org.vportd.posix.PosixException;

/** A loop that the test's own thread turns. */
public final class TestLoop implements AutoCloseable {
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

    /** The descriptors the process has open, but for those that the virtual machine opens when it likes. */
    public static long openDescriptors() throws IOException {
        try (Stream<Path> entries = Files.list(Path.of("/proc/self/fd"))) {
            return entries.filter(TestLoop::isOurs).count();
        }
    }

    private static boolean isOurs(Path descriptor) {
        try {
            String target = Files.readSymbolicLink(descriptor).toString();
            return !target.endsWith(".jar") && !target.endsWith("/modules") && !target.endsWith("random");
        } catch (IOException e) {
            return false; // the one of the listing itself
        }
    }

    /** Nothing has been left open since. There may be less: the last test's peers close in their own time. */
    public static void assertNoneLeaked(long before) throws IOException {
        long now = openDescriptors();
        assertTrue(now <= before, "descriptors open: before=" + before + " now=" + now);
    }

    @Override
    public void close() {
        loop.close();
    }
}
