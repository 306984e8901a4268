package org.vportd.vhostuser.backend;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the process holds that a session could leak.
 *
 * @param descriptors sockets, pipes, events, and files that are no part of the program
 * @param mappings mapped memory files
 */
record OpenResources(long descriptors, long mappings) {
    /** What occurs in the names of what a front-end can send here: the last one is in paths of temporary folders. */
    private static final List<String> KINDS =
            List.of("socket:", "pipe:", "anon_inode:", "/memfd:", "/dev/zero", "/dev/null", "/junit");

    static OpenResources now() {
        try (Stream<Path> links = Files.list(Path.of("/proc/self/fd"));
                Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return new OpenResources(
                    links.filter(OpenResources::isCounted).count(),
                    maps.filter(line -> line.contains("/memfd:")).count());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Archives and class files, which the JVM opens and closes when it pleases, are left out. */
    private static boolean isCounted(Path link) {
        try {
            String target = Files.readSymbolicLink(link).toString();
            return KINDS.stream().anyMatch(target::contains);
        } catch (IOException e) {
            return false; // the listing's own descriptor
        }
    }
}
