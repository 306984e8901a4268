package org.vportd.vhostuser.backend;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.vportd.testing.OpenDescriptors;

/**
 * What the process holds that a session could leak.
 *
 * @param descriptors sockets, pipes, events, and files that are no part of the program
 * @param mappings mapped memory files
 */
record OpenResources(long descriptors, long mappings) {
    static OpenResources now() {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return new OpenResources(
                    OpenDescriptors.count(),
                    maps.filter(line -> line.contains("/memfd:")).count());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
