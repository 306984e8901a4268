package org.vportd.bench.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;

/** Says where a run was made. */
public final class Machine {
    private Machine() {}

    /** Lines about it. */
    public static List<String> lines() {
        return List.of(
                "date    "
                        + ZonedDateTime.now(ZoneOffset.UTC)
                                .format(DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm 'UTC'")),
                "CPU     " + field("/proc/cpuinfo", "model name", System.getProperty("os.arch", "unknown")) + ", "
                        + Runtime.getRuntime().availableProcessors() + " usable",
                "memory  " + field("/proc/meminfo", "MemTotal", "unknown"),
                "kernel  " + System.getProperty("os.name") + " " + System.getProperty("os.version"),
                "Java    " + System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"),
                "load    " + line("/proc/loadavg") + " before the run");
    }

    private static String field(String file, String name, String otherwise) {
        try {
            return Files.readAllLines(Path.of(file)).stream()
                    .filter(line -> line.startsWith(name))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse(otherwise);
        } catch (IOException e) {
            return otherwise;
        }
    }

    private static String line(String file) {
        try {
            return Files.readString(Path.of(file)).strip();
        } catch (IOException e) {
            return "unknown";
        }
    }
}
