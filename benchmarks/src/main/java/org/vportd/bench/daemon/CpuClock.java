package org.vportd.bench.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Reads what the kernel knows of the CPU time and system calls of processes and threads. */
final class CpuClock {
    private static final int TICKS_PER_SECOND = 100; // USER_HZ, the same on all Linux machines we run on

    private CpuClock() {}

    /** The CPU time of one thread, in nanoseconds; from its ticks where the kernel keeps no finer account. */
    static long task(Path task) throws IOException {
        Path fine = task.resolve("schedstat");
        if (Files.exists(fine)) {
            return Long.parseLong(Files.readString(fine).split(" ", 2)[0]);
        }
        return ticks(task.resolve("stat")) * (TimeUnit.SECONDS.toNanos(1) / TICKS_PER_SECOND);
    }

    /** The ticks of a process, user and system, those of ended threads too. */
    static long ticks(long pid) throws IOException {
        return ticks(proc(pid).resolve("stat"));
    }

    private static long ticks(Path stat) throws IOException {
        String text = Files.readString(stat);
        String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ", -1); // from the third field on
        return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    }

    /** The time that all cores of the machine have worked, for whomever, in nanoseconds; those stolen from it included. */
    static long machineNs() throws IOException {
        String[] fields = Files.readAllLines(Path.of("/proc/stat")).get(0).split("\\s+", -1);
        long ticks = 0;
        for (int i : new int[] {1, 2, 3, 6, 7, 8}) { // user, nice, system, irq, softirq, steal
            ticks += Long.parseLong(fields[i]);
        }
        return ticks * (TimeUnit.SECONDS.toNanos(1) / TICKS_PER_SECOND);
    }

    /** The read and write calls of a process, those on sockets and eventfds included; others are not counted. */
    static long readsAndWrites(long pid) throws IOException {
        return field(proc(pid).resolve("io"), "syscr:") + field(proc(pid).resolve("io"), "syscw:");
    }

    /** The resident size of a process in bytes. */
    static long residentBytes(long pid) throws IOException {
        return field(proc(pid).resolve("status"), "VmRSS:") << 10;
    }

    private static long field(Path file, String name) throws IOException {
        for (String line : Files.readAllLines(file)) {
            if (line.startsWith(name)) {
                return Long.parseLong(line.substring(name.length()).strip().split(" ", 2)[0]);
            }
        }
        throw new IOException("no such field: file=" + file + " field=" + name);
    }

    /** The words of the command line of a process. */
    static List<String> commandLine(long pid) throws IOException {
        return List.of(Files.readString(proc(pid).resolve("cmdline")).strip().split("\0", -1));
    }

    private static Path proc(long pid) {
        return Path.of("/proc", Long.toString(pid));
    }
}
