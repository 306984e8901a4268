package org.vportd.bench.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Counts all system calls of the daemon in a short run of its own, as looking at each of them slows it down. */
final class SystemCalls {
    private static final int RUN_MS = 200;
    private static final int ATTACH_MS = 2000;

    private SystemCalls() {}

    /** Whether there is a program that can count them. */
    static boolean canBeCounted() {
        return Arrays.stream(String.valueOf(System.getenv("PATH")).split(":", -1))
                .anyMatch(each -> Files.isExecutable(Path.of(each, "strace")));
    }

    /** The calls for each buffer; not a number if the process cannot be looked at. */
    static double perBuffer(Bench bench, DaemonContender contender) throws IOException {
        if (!canBeCounted()) {
            return Double.NaN;
        }
        Path folder = bench.newFolder();
        Path table = folder.resolve("calls");
        Path log = folder.resolve("strace.log");
        contender.go();
        ChildProcess strace = ChildProcess.start(
                new ProcessBuilder(
                        "strace",
                        "-c",
                        "-f",
                        "-o",
                        table.toString(),
                        "-p",
                        Long.toString(contender.daemon().pid())),
                log);
        try {
            for (int i = 0; i < ATTACH_MS && !strace.tail().contains("attached"); i++) {
                Pause.ms(1);
            }
            Measurement before = contender.state();
            Pause.ms(RUN_MS);
            Measurement run = contender.state().since(before);
            strace.close(); // it detaches and writes its table
            long calls = total(table);
            return calls < 0 ? Double.NaN : run.perBuffer(calls);
        } finally {
            strace.close();
            contender.halt();
        }
    }

    /** Adds up the column of calls, the fourth; negative if there is no table. */
    private static long total(Path table) throws IOException {
        long sum = 0;
        boolean any = false;
        for (String line : Files.exists(table) ? Files.readAllLines(table) : List.<String>of()) {
            String[] fields = line.strip().split("\\s+", -1);
            if (fields.length >= 5 && Character.isDigit(fields[0].charAt(0)) && !line.endsWith("total")) {
                sum += Long.parseLong(fields[3]);
                any = true;
            }
        }
        return any ? sum : -1;
    }
}
