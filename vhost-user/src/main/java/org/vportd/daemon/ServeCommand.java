package org.vportd.daemon;

import static org.vportd.daemon.OptionSpecs.flag;
import static org.vportd.daemon.OptionSpecs.named;
import static org.vportd.daemon.OptionSpecs.number;
import static org.vportd.daemon.OptionSpecs.text;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.loop.EventLoop;
import org.vportd.posix.PosixException;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** {@code vportd} without a subcommand: serves a device. */
final class ServeCommand implements Callable<Integer> {
    private static final int MAX_DEFAULT_THREADS = 4;
    private static final int MAX_POLL_US = 100_000;
    private static final int MAX_THREADS = 256;
    private static final Set<String> ALLOWED_WITH_TAKE_OVER = Set.of("--take-over", "--log-level");

    private final CommandSpec spec = CommandSpec.wrapWithoutInspection(this);

    private ServeCommand() {
        spec.name("vportd").versionProvider(new Version());
        spec.usageMessage()
                .sortOptions(false)
                .header("A virtio-console device with any number of ports, served to virtual machines over vhost-user.")
                .description(
                        "",
                        "Listens on a UNIX socket for one front-end after the other (QEMU, user-mode Linux, crosvm), and connects "
                                + "the ports of its guest with character devices. Options are QEMU's, with one dash or two.",
                        "")
                .footer(
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
                        "");
        addOptions();
    }

    private void addOptions() {
        spec.addOption(text(
                "--socket-path",
                "PATH",
                "Listen for front-ends on this UNIX socket, for the one device that has no socket-path."));
        spec.addOption(
                number("--fd", "FDNUM", "Serve this inherited socket instead, a listening one or a connection."));
        spec.addOption(flag("--print-capabilities", "Print what this back-end can do as JSON, and exit."));
        for (OptionSpec option : BackendArguments.options()) { // no lambda: see Main
            spec.addOption(option);
        }
        spec.addOption(text("-name", "NAME", "What monitors are told this instance is called."));
        spec.addOption(text("--socket-mode", "OCTAL", "Permissions of the socket file (0600)."));
        spec.addOption(number(
                "--threads", "N", "Spread devices over as many threads at most (one for each processor, up to 4)."));
        spec.addOption(number(
                "--poll",
                "USEC",
                "Look for work up to so many microseconds before sleeping, while it comes soon (0: never)."));
        spec.addOption(text(
                "--state",
                "PATH",
                "Keep what is known of the guest in this file, so that vportd can be killed and started again."));
        spec.addOption(text(
                "--handover", "PATH", "Listen on this UNIX socket for a vportd that takes over, with --take-over."));
        spec.addOption(text(
                "--take-over",
                "PATH",
                "Take the place of the vportd that listens there, with all it has; guests do not notice."));
        spec.addOption(flag("--once", "Stop after the first front-end has left."));
        spec.addOption(text("--log-level", "LEVEL", "error, warning, info (the default), debug or trace."));
        spec.addOption(named("--help", "Print this and exit.")
                .names("--help", "-help", "-h")
                .usageHelp(true)
                .build());
        spec.addOption(named("--version", "Print the version and exit.")
                .versionHelp(true)
                .build());
    }

    /** Makes what picocli needs to know to run it. */
    static CommandSpec spec() {
        return new ServeCommand().spec;
    }

    /**
     * Reads what a command line asks for, as far as it is about the daemon.
     *
     * @throws CommandLine.ParameterException if it is no command line
     * @throws ConfigException if an option has a value that it cannot have
     */
    static DaemonConfig config(List<String> args) throws ConfigException {
        ServeCommand command = new ServeCommand();
        ParseResult given = new CommandLine(command.spec).parseArgs(args.toArray(new String[0]));
        return command.config(given, new BackendArguments(given));
    }

    @Override
    public Integer call() throws ConfigException, StartException {
        ParseResult given = spec.commandLine().getParseResult();
        StderrLoggerFinder.setThreshold(level(given.matchedOptionValue("--log-level", "info")));
        BackendArguments arguments = new BackendArguments(given);
        if (arguments.answersHelp(new OptionHelp(Console.out()))) {
            return CommandLine.ExitCode.OK;
        }
        String takeOverPath = given.matchedOptionValue("--take-over", null);
        if (takeOverPath != null) {
            checkAlone(given);
        }
        DaemonConfig config = takeOverPath == null ? config(given, arguments) : null;
        int[] status = {CommandLine.ExitCode.OK};
        try (EventLoop loop = EventLoop.open()) {
            Termination.whileRunning(loop, termination -> {
                try (Daemon daemon = start(loop, config, takeOverPath)) {
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

    private static Daemon start(EventLoop loop, @Nullable DaemonConfig config, @Nullable String takeOverPath)
            throws ConfigException, StartException {
        return config == null ? Daemon.takeOver(loop, String.valueOf(takeOverPath)) : Daemon.start(loop, config);
    }

    /** What there is comes from the other process, so it cannot be said here. */
    private void checkAlone(ParseResult given) {
        for (OptionSpec option : given.matchedOptions()) {
            if (!ALLOWED_WITH_TAKE_OVER.contains(option.longestName())) {
                throw usage("--take-over takes everything from the other vportd: " + option.longestName()
                        + " cannot be given with it");
            }
        }
    }

    private DaemonConfig config(ParseResult given, BackendArguments arguments) throws ConfigException {
        BackendArguments.Parsed parsed = arguments.parse();
        String socketPath = given.matchedOptionValue("--socket-path", null);
        Integer fd = given.matchedOptionValue("--fd", null);
        if (socketPath != null && fd != null) {
            throw usage("--socket-path and --fd exclude each other");
        }
        boolean served = socketPath != null
                || fd != null
                || parsed.devices().stream().anyMatch(DeviceConfig::isMeantBy)
                || (parsed.devices().isEmpty() && !parsed.monitors().isEmpty()); // devices come from there
        if (!served) {
            throw usage("one of --socket-path=PATH and --fd=FDNUM is required");
        }
        return new DaemonConfig(
                given.matchedOptionValue("--state", null),
                given.matchedOptionValue("--handover", null),
                given.matchedOptionValue("--once", false),
                guestName(given),
                arguments.escape(),
                parsed.objects(),
                parsed.chardevs(),
                parsed.monitors(),
                DevicesConfig.of(parsed.devices(), socket(given, socketPath, fd)),
                threads(given),
                poll(given),
                true,
                parsed.passed());
    }

    private static @Nullable SocketConfig socket(ParseResult given, @Nullable String socketPath, @Nullable Integer fd)
            throws ConfigException {
        if (socketPath == null && fd == null) {
            return null;
        }
        String number = fd == null ? null : String.valueOf(fd);
        return new SocketConfig(
                socketPath,
                SocketConfig.mode(given.matchedOptionValue("--socket-mode", null), "--socket-mode"),
                number);
    }

    private int threads(ParseResult given) {
        Integer threads = given.matchedOptionValue("--threads", null);
        if (threads == null) {
            return Math.min(Runtime.getRuntime().availableProcessors(), MAX_DEFAULT_THREADS);
        }
        if (threads < 1 || threads > MAX_THREADS) {
            throw usage("--threads expects a number from 1 to " + MAX_THREADS + ": --threads=" + threads);
        }
        return threads;
    }

    private int poll(ParseResult given) {
        int poll = given.matchedOptionValue("--poll", 0);
        if (poll < 0 || poll > MAX_POLL_US) {
            throw usage("--poll expects microseconds from 0 to " + MAX_POLL_US + ": --poll=" + poll);
        }
        return poll;
    }

    /** QEMU's notation, of which only the name itself has a meaning here. */
    private static @Nullable String guestName(ParseResult given) throws ConfigException {
        String name = given.matchedOptionValue("-name", null);
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
        return new CommandLine.ParameterException(spec.commandLine(), message);
    }
}
