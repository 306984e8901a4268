package org.vportd.bench.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.vportd.bench.BenchMain;
import org.vportd.bench.limit.LimitMain;

/** What all scenarios of a run share: options, a folder for sockets and files, and the daemon's own command of Java. */
final class Bench implements AutoCloseable {
    private static final Path SHARED_MEMORY = Path.of("/dev/shm");

    private final BenchOptions options;
    private final Path folder;
    private int folders;
    private @Nullable List<String> plainJava;

    Bench(BenchOptions options) throws IOException {
        this.options = options;
        // Files in memory: a disk would be the limit of everything.
        this.folder = Files.isWritable(SHARED_MEMORY)
                ? Files.createTempDirectory(SHARED_MEMORY, "vportd-bench")
                : Files.createTempDirectory("vportd-bench");
    }

    BenchOptions options() {
        return options;
    }

    /** A new folder for one contender. */
    Path newFolder() throws IOException {
        folders++;
        return Files.createDirectory(folder.resolve(Integer.toString(folders)));
    }

    /** A command that runs a plain loop with the flags that the launcher gave the daemon. */
    List<String> plainCommand(DaemonProcess daemon) throws IOException {
        if (plainJava == null) {
            plainJava = plainJava(CpuClock.commandLine(daemon.pid()));
        }
        List<String> command = new ArrayList<>(plainJava);
        command.add(LimitMain.class.getName());
        return command;
    }

    /**
     * The same Java with the same flags, what the daemon's jar says in its manifest included, and with our class path. A
     * class-data archive is left out, as it would not fit.
     */
    static List<String> plainJava(List<String> daemonCommand) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(daemonCommand.get(0));
        for (int i = 1; i < daemonCommand.size(); i++) {
            String word = daemonCommand.get(i);
            if (word.equals("-jar") || !word.startsWith("-")) {
                break;
            }
            if (word.equals("-cp") || word.equals("-classpath")) {
                i++;
            } else if (!word.startsWith("-XX:SharedArchiveFile=") && !word.startsWith("-XX:AOTCache")) {
                command.add(word);
            }
        }
        command.addAll(List.of(BenchMain.jvmFlags().split(" ", -1)));
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        return command;
    }

    @Override
    public void close() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
