package org.vportd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code vportd demo}: shows the daemon at work with a simulated guest, without a virtual machine. */
@Command(
        name = "demo",
        description = "Runs the daemon with a simulated guest and shows what happens, for a few seconds.")
final class DemoCommand implements Callable<Integer> {
    @Override
    public Integer call() throws Exception {
        StderrLoggerFinder.setThreshold(System.Logger.Level.WARNING);
        Path dir = Files.createTempDirectory("vportd-demo");
        try (DemoDaemon daemon = DemoDaemon.start(dir)) {
            new DemoStory(daemon, Console.out()).tell();
        } finally {
            removeDirectory(dir);
        }
        return CommandLine.ExitCode.OK;
    }

    private static void removeDirectory(Path dir) {
        try {
            Files.delete(dir);
        } catch (IOException e) {
            Console.err().println("vportd: demo left something behind: " + e.getMessage());
        }
    }
}
