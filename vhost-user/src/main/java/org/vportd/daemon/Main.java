package org.vportd.daemon;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.vportd.posix.Posix;
import picocli.CommandLine;

/** Where the program begins: parses the command line, runs, and exits with 0, 1 (failed) or 2 (called wrongly). */
public final class Main {
    private static final String DEMO = "demo";
    private static final String DRIVE = "drive";
    private static final Set<String> HELP = Set.of("--help", "-help", "-h");

    private Main() {}

    /**
     * Runs the program and exits.
     *
     * @param args as the user typed them
     */
    public static void main(String[] args) {
        Thread preparation = new Thread(new NativeLibrary(), "vportd-native");
        preparation.setDaemon(true);
        preparation.start(); // while this thread reads the command line
        System.exit(run(args));
    }

    /** Runs the program and answers its exit status. */
    static int run(String... args) {
        if (Arrays.asList(args).contains("--print-capabilities")) { // whatever else is asked for
            Console.out().println("{\"type\": \"console\", \"features\": [\"multiport\"]}");
            return 0;
        }
        CommandLine command = new CommandLine(ServeCommand.spec());
        addSubcommands(command, Arrays.asList(args));
        command.setParameterExceptionHandler(new WrongCall());
        command.setExecutionExceptionHandler(new Failure());
        return command.execute(args);
    }

    /** A daemon is to listen soon: subcommands are known only to those who can mean one. */
    private static void addSubcommands(CommandLine command, List<String> args) {
        boolean all = !Collections.disjoint(args, HELP);
        if (all || args.contains(DEMO)) {
            command.addSubcommand(DEMO, new DemoCommand());
        }
        if (all || args.contains(DRIVE)) {
            command.addSubcommand(DRIVE, DriveCommand.subcommand());
        }
    }

    /** Has the native library bound, which takes as long as all else at the start; whoever needs it meanwhile waits. */
    private static final class NativeLibrary implements Runnable {
        @Override
        public void run() {
            Posix.effectiveUser();
        }
    }

    // Named classes: those that stand for lambdas here would not be archived with the others, see bin/vportd.

    private static final class WrongCall implements CommandLine.IParameterExceptionHandler {
        @Override
        public int handleParseException(CommandLine.ParameterException e, String[] args) {
            return Console.usageError(e);
        }
    }

    private static final class Failure implements CommandLine.IExecutionExceptionHandler {
        @Override
        public int handleExecutionException(Exception e, CommandLine command, CommandLine.ParseResult result) {
            return Console.failed(e);
        }
    }
}
