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
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code vportd} without a subcommand: serves a device. */
@Command(
        name = "vportd",
        mixinStandardHelpOptions = false,
        versionProvider = Version.class,
        sortOptions = false,
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
    private static final int MAX_DEFAULT_THREADS = 4;
    private static final int MAX_POLL_US = 100_000;
    private static final int MAX_THREADS = 256;
    private static final Set<String> ALLOWED_WITH_TAKE_OVER = Set.of("--take-over", "--log-level");

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = {"--socket-path", "-socket-path"},
            paramLabel = "PATH",
            description = "Listen for front-ends on this UNIX socket, for the one device that has no socket-path.")
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
            names = {"--threads", "-threads"},
            paramLabel = "N",
            description = "Spread devices over as many threads at most (one for each processor, up to 4).")
    private @Nullable Integer threads;

    @Option(
            names = {"--poll", "-poll"},
            paramLabel = "USEC",
            description = "Look for work up to so many microseconds before sleeping, while it comes soon (0: never).")
    private int poll;

    @Option(
            names = {"--state", "-state"},
            paramLabel = "PATH",
            description =
                    "Keep what is known of the guest in this file, so that vportd can be killed and started again.")
    private @Nullable String statePath;

    @Option(
            names = {"--handover", "-handover"},
            paramLabel = "PATH",
            description = "Listen on this UNIX socket for a vportd that takes over, with --take-over.")
    private @Nullable String handoverPath;

    @Option(
            names = {"--take-over", "-take-over"},
            paramLabel = "PATH",
            description = "Take the place of the vportd that listens there, with all it has; guests do not notice.")
    private @Nullable String takeOverPath;

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
        DaemonConfig config = takeOverPath == null ? config() : null;
        if (takeOverPath != null) {
            checkAlone();
        }
        int[] status = {CommandLine.ExitCode.OK};
        try (EventLoop loop = EventLoop.open()) {
            Termination.whileRunning(loop, termination -> {
                try (Daemon daemon = start(loop, config)) {
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

    private Daemon start(EventLoop loop, @Nullable DaemonConfig config) throws ConfigException, StartException {
        return config == null ? Daemon.takeOver(loop, String.valueOf(takeOverPath)) : Daemon.start(loop, config);
    }

    /** What there is comes from the other process, so it cannot be said here. */
    private void checkAlone() {
        for (OptionSpec option : command().commandLine().getParseResult().matchedOptions()) {
            if (!ALLOWED_WITH_TAKE_OVER.contains(option.longestName())) {
                throw usage("--take-over takes everything from the other vportd: " + option.longestName()
                        + " cannot be given with it");
            }
        }
    }

    private DaemonConfig config() throws ConfigException {
        BackendArguments.Parsed parsed = arguments.parse();
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
                statePath,
                handoverPath,
                once,
                guestName(),
                arguments.escape(),
                parsed.objects(),
                parsed.chardevs(),
                parsed.monitors(),
                DevicesConfig.of(parsed.devices(), socket()),
                threads(),
                poll(),
                true,
                parsed.passed());
    }

    private @Nullable SocketConfig socket() throws ConfigException {
        if (socketPath == null && fd == null) {
            return null;
        }
        String number = fd == null ? null : String.valueOf(fd);
        return new SocketConfig(socketPath, SocketConfig.mode(socketMode, "--socket-mode"), number);
    }

    private int threads() {
        if (threads == null) {
            return Math.min(Runtime.getRuntime().availableProcessors(), MAX_DEFAULT_THREADS);
        }
        if (threads < 1 || threads > MAX_THREADS) {
            throw usage("--threads expects a number from 1 to " + MAX_THREADS + ": --threads=" + threads);
        }
        return threads;
    }

    private int poll() {
        if (poll < 0 || poll > MAX_POLL_US) {
            throw usage("--poll expects microseconds from 0 to " + MAX_POLL_US + ": --poll=" + poll);
        }
        return poll;
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
        return new CommandLine.ParameterException(command().commandLine(), message);
    }

    private CommandSpec command() {
        if (spec == null) {
            throw new IllegalStateException("command was not made by picocli");
        }
        return spec;
    }
}
