package org.vportd.daemon;

import java.util.Arrays;
import picocli.CommandLine;

/** Where the program begins: parses the command line, runs, and exits with 0, 1 (failed) or 2 (called wrongly). */
public final class Main {
    private Main() {}

    /**
     * Runs the program and exits.
     *
     * @param args as the user typed them
     */
    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs the program and answers its exit status. */
    static int run(String... args) {
        if (Arrays.asList(args).contains("--print-capabilities")) { // whatever else is asked for
            Console.out().println("{\"type\": \"console\", \"features\": [\"multiport\"]}");
            return 0;
        }
        CommandLine command = new CommandLine(new ServeCommand());
        command.addSubcommand("drive", DriveCommand.subcommand());
        command.setParameterExceptionHandler(Console::usageError);
        command.setExecutionExceptionHandler(Console::failed);
        return command.execute(args);
    }
}
