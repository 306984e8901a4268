package org.vportd.bench.daemon;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The CPU time of a process, user and system together, finer than its ticks: that of all its threads, those included that
 * were there when it was asked before and have ended since, as compiler threads do.
 */
final class ProcessClock {
    private final long pid;
    private final Map<Path, Long> tasks = new HashMap<>();

    ProcessClock(long pid) {
        this.pid = pid;
    }

    /** The CPU time in nanoseconds; what a thread used after the last time and before its end is missed. */
    long ns() throws IOException {
        try (DirectoryStream<Path> now = Files.newDirectoryStream(Path.of("/proc", Long.toString(pid), "task"))) {
            for (Path task : now) {
                note(task);
            }
        } catch (NoSuchFileException e) {
            throw new IOException("process has ended: pid=" + pid, e);
        }
        long sum = 0;
        for (long each : tasks.values()) {
            sum += each;
        }
        return sum;
    }

    private void note(Path task) throws IOException {
        try {
            tasks.put(task, CpuClock.task(task));
        } catch (NoSuchFileException e) {
            // it has just ended: what is known of it stays
        }
    }
}
