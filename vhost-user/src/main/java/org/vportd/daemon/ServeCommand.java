package org.vportd.daemon;

import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.loop.EventLoop;
import org.vportd.posix.PosixException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code vportd} without a subcommand: serves a device. */
@Command(
        name = "vportd",
        mixinStandardHelpOptions = false,
        versionProvider = Version.class,
        sortOptions = false,
        subcommands = {DemoCommand.class},
        header = "A virtio-console device with any number of ports, served to virtual machines over vhost-user.",
        description = {
            "",
            "Listens on a UNIX socket for one front-end after the other (QEMU, user-mode Linux, crosvm), and connects "
                    + "the ports of its guest with character devices. Options are QEMU's, with one dash or two.",
            ""
        },
        footer = {
            "",
            "Exit status: 0 stopped, 1 failed, 2 called wrongly.",
            "",
            "Examples:",
            "  A guest agent's channel on a socket and a console on a terminal of its own:",
            "    vportd --socket-path=/run/vm1/vportd.sock \\",
            "      -chardev socket,id=agent,path=/run/vm1/agent.sock,server=on,wait=off \\",
            "      -chardev pty,id=con \\",
            "      -device virtconsole,chardev=con \\",
            "      -device virtserialport,chardev=agent,name=org.qemu.guest_agent.0,nr=1",
            "",
            "  A console here and now, shared with a monitor (Ctrl-A c changes between them, Ctrl-A x ends vportd):",
            "    vportd --socket-path=/tmp/v.sock -virtioconsole mon:stdio",
            ""
        })
final class ServeCommand implements Callable<Integer> {
    private static final int DEFAULT_SOCKET_MODE = 0600;
    private static final int MAX_MODE = 0777;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = {"--socket-path", "-socket-path"},
            paramLabel = "PATH",
            description = "Listen for front-ends on this UNIX socket.")
    private @Nullable String socketPath;

    @Option(
            names = {"--fd", "-fd"},
            paramLabel = "FDNUM",
            description = "Serve this inherited socket instead, a listening one or a connection.")
    private @Nullable Integer fd;

    @Option(
            names = {"--print-capabilities", "-print-capabilities"},
            description = "Print what this back-end can do as JSON, and exit.")
    @SuppressWarnings("UnusedVariable") // picocli or Main acts on it; the field makes it known
    private boolean printCapabilities;

    @Mixin
    private BackendArguments arguments = new BackendArguments();

    @Option(
            names = {"-name", "--name"},
            paramLabel = "NAME",
            description = "What monitors are told this instance is called.")
    private @Nullable String name;

    @Option(
            names = {"--socket-mode", "-socket-mode"},
            paramLabel = "OCTAL",
            description = "Permissions of the socket file (0600).")
    private @Nullable String socketMode;

    @Option(
            names = {"--state", "-state"},
            paramLabel = "PATH",
            description =
                    "Keep what is known of the guest in this file, so that vportd can be killed and started again.")
    private @Nullable String statePath;

    @Option(
            names = {"--once", "-once"},
            description = "Stop after the first front-end has left.")
    private boolean once;

    @Option(
            names = {"--log-level", "-log-level"},
            paramLabel = "LEVEL",
            description = "error, warning, info (the default), debug or trace.")
    private String logLevel = "info";

    @Option(
            names = {"--help", "-help", "-h"},
            usageHelp = true,
            description = "Print this and exit.")
    @SuppressWarnings("UnusedVariable") // picocli or Main acts on it; the field makes it known
    private boolean help;

    @Option(
            names = {"--version", "-version"},
            versionHelp = true,
            description = "Print the version and exit.")
    @SuppressWarnings("UnusedVariable") // picocli or Main acts on it; the field makes it known
    private boolean version;

    @Override
    public Integer call() throws ConfigException, StartException {
        StderrLoggerFinder.setThreshold(level(logLevel));
        if (arguments.answersHelp(new OptionHelp(Console.out()))) {
            return CommandLine.ExitCode.OK;
        }
        DaemonConfig config = config();
        int[] status = {CommandLine.ExitCode.OK};
        try (EventLoop loop = EventLoop.open()) {
            Termination.whileRunning(loop, termination -> {
                try (Daemon daemon = Daemon.start(loop, config)) {
                    status[0] = daemon.run();
                    if (termination.isSignalled()) {
                        daemon.endedBySignal();
                    }
                }
            });
            return status[0];
        } catch (PosixException e) {
            throw new StartException("cannot start: " + e.getMessage());
        }
    }

    private DaemonConfig config() throws ConfigException {
        if ((socketPath == null) == (fd == null)) {
            throw usage(
                    socketPath == null
                            ? "one of --socket-path=PATH and --fd=FDNUM is required"
                            : "--socket-path and --fd exclude each other");
        }
        BackendArguments.Parsed parsed = arguments.parse();
        return new DaemonConfig(
                socketPath,
                fd,
                mode(),
                statePath,
                once,
                guestName(),
                arguments.escape(),
                parsed.objects(),
                parsed.chardevs(),
                parsed.monitors(),
                parsed.device(),
                true);
    }

    /** QEMU's notation, of which only the name itself has a meaning here. */
    private @Nullable String guestName() throws ConfigException {
        if (name == null) {
            return null;
        }
        Options options = Options.parse(name, "guest", text -> {});
        try {
            options.accept(Set.of("guest"));
        } catch (ConfigException e) {
            throw e.within("-name " + name);
        }
        return options.string("guest");
    }

    private int mode() {
        if (socketMode == null) {
            return DEFAULT_SOCKET_MODE;
        }
        try {
            int mode = Integer.parseInt(socketMode, 8);
            if (mode >= 0 && mode <= MAX_MODE) {
                return mode;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw usage("--socket-mode expects an octal number up to 0777: --socket-mode=" + socketMode);
    }

    private System.Logger.Level level(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "error" -> System.Logger.Level.ERROR;
            case "warning", "warn" -> System.Logger.Level.WARNING;
            case "info" -> System.Logger.Level.INFO;
            case "debug" -> System.Logger.Level.DEBUG;
            case "trace" -> System.Logger.Level.TRACE;
            default -> throw usage("--log-level expects error, warning, info, debug or trace: --log-level=" + name);
        };
    }

    private CommandLine.ParameterException usage(String message) {
        if (spec == null) {
            throw new IllegalStateException("command was not made by picocli");
        }
        return new CommandLine.ParameterException(spec.commandLine(), message);
    }
}
