package org.vportd.daemon;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.loop.EventLoop;
import org.vportd.posix.PosixException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
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
            "  A console here and now (Ctrl-C stops vportd; with signal=off it goes to the guest):",
            "    vportd --socket-path=/tmp/v.sock -chardev stdio,id=c0 -device virtconsole,chardev=c0",
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

    @Option(
            names = {"-chardev", "--chardev"},
            paramLabel = "TYPE,id=ID[,KEY=VALUE]...",
            description = "Make a character device. Types: file, null, pipe, pty, ringbuf, socket, stdio.")
    private List<String> chardevs = new ArrayList<>();

    @Option(
            names = {"-device", "--device"},
            paramLabel = "DRIVER[,KEY=VALUE]...",
            description = {
                "Plug a port: virtconsole or virtserialport, with chardev=ID, name=NAME, nr=N, id=ID, bus=BUS, buffer=SIZE; or describe the "
                        + "device: vhost-user-serial, with max_ports=N (31), emergency-write=on|off, "
                        + "event_idx=on|off, indirect_desc=on|off, packed=on|off, in_order=on|off, "
                        + "status=on|off, inband=on|off."
            })
    private List<String> devices = new ArrayList<>();

    @Option(
            names = {"--socket-mode", "-socket-mode"},
            paramLabel = "OCTAL",
            description = "Permissions of the socket file (0600).")
    private @Nullable String socketMode;

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
        DaemonConfig config = config();
        try (EventLoop loop = EventLoop.open()) {
            Termination.whileRunning(loop, () -> {
                try (Daemon daemon = Daemon.start(loop, config)) {
                    daemon.run();
                }
            });
            return CommandLine.ExitCode.OK;
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
        return new DaemonConfig(
                socketPath,
                fd,
                mode(),
                once,
                parse(chardevs, "backend"),
                DeviceConfig.of(parse(devices, "driver")),
                true);
    }

    private static List<Options> parse(List<String> texts, String impliedKey) {
        System.Logger logger = System.getLogger(ServeCommand.class.getName());
        List<Options> parsed = new ArrayList<>();
        for (String text : texts) {
            parsed.add(Options.parse(text, impliedKey, warning -> logger.log(System.Logger.Level.WARNING, warning)));
        }
        return parsed;
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
