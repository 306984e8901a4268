package org.vportd.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Counts the descriptors of this process that the program may have left open.
 *
 * <p>Only kinds that the program and its tests open are counted, since the virtual machine opens archives, class files and
 * sources of random numbers when it pleases.
 */
public final class OpenDescriptors {
    private static final String TEMPORARY = temporary();

    /** How what they are open at begins: files are those in the temporary folders of tests. */
    private static final List<String> COUNTED = List.of(
            "socket:",
            "pipe:",
            "anon_inode:",
            "/memfd:",
            "/dev/pt",
            "/dev/null",
            "/dev/zero",
            TEMPORARY + "junit",
            TEMPORARY + "vportd-");

    private OpenDescriptors() {}

    /** As the kernel names it. */
    private static String temporary() {
        try {
            return Path.of(System.getProperty("java.io.tmpdir")).toRealPath() + "/";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How many are open. */
    public static long count() {
        return count(targets());
    }

    /**
     * Checks that nothing has been left open. There may be fewer: the peers of the last test close in their own time.
     *
     * @param before what {@link #count} was at the start
     */
    public static void assertNoneSince(long before) {
        List<String> now = targets();
        if (count(now) > before) {
            throw new AssertionError("descriptors are left open: before=" + before + " now=" + now);
        }
    }

    private static long count(List<String> targets) {
        return targets.stream()
                .filter(target -> COUNTED.stream().anyMatch(target::startsWith))
                .count();
    }

    private static List<String> targets() {
        List<String> targets = new ArrayList<>();
        try (Stream<Path> links = Files.list(Path.of("/proc/self/fd"))) {
            links.forEach(link -> targets.add(target(link)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return targets;
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "closed meanwhile";
        }
    }
}
