package org.vportd.posix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Counts what tests may leave open: the virtual machine opens and closes files of its own when it pleases. */
public final class OpenDescriptors {
    private static final List<String> KINDS = List.of("socket:", "pipe:", "anon_inode:", "/memfd:");

    private OpenDescriptors() {}

    /** How many there are in this process. */
    public static long count() throws IOException {
        try (Stream<Path> links = Files.list(Path.of("/proc/self/fd"))) {
            return links.filter(OpenDescriptors::isCounted).count();
        }
    }

    private static boolean isCounted(Path link) {
        try {
            String target = Files.readSymbolicLink(link).toString();
            return KINDS.stream().anyMatch(target::startsWith);
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }
}
