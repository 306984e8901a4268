package org.vportd.daemon;

import java.io.PrintStream;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import picocli.CommandLine;

/** What is said to the person who started the program. Errors are one line; a stack trace would be a bug of ours. */
final class Console {
    private static final PrintStream OUT = System.out;
    private static final PrintStream ERR = System.err;

    private Console() {}

    static PrintStream out() {
        return OUT;
    }

    static PrintStream err() {
        return ERR;
    }

    static int usageError(CommandLine.ParameterException e) {
        ERR.println("vportd: " + e.getMessage());
        ERR.println("Try 'vportd --help'.");
        return CommandLine.ExitCode.USAGE;
    }

    static int failed(Exception e) {
        if (e instanceof ConfigException wrong) {
            ERR.println("vportd: " + wrong.explanation());
            return e instanceof OpenException ? CommandLine.ExitCode.SOFTWARE : CommandLine.ExitCode.USAGE;
        }
        if (e instanceof StartException failed) {
            ERR.println("vportd: " + failed.getMessage());
            return CommandLine.ExitCode.SOFTWARE;
        }
        ERR.println("vportd: internal error");
        e.printStackTrace(ERR);
        return CommandLine.ExitCode.SOFTWARE;
    }
}
