package org.vportd.daemon;

import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.vhostuser.frontend.ConformanceCheck;
import org.vportd.vhostuser.frontend.ConsoleLoad;
import org.vportd.vhostuser.frontend.LoadOptions;
import org.vportd.vhostuser.frontend.LoadResult;
import org.vportd.vhostuser.frontend.Manner;
import org.vportd.vhostuser.frontend.RingFormat;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code vportd drive}: a simulated guest at any vhost-user console, to load it or to check it. */
@Command(
        name = "drive",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Be the guest of a vhost-user console: load one of its ports, or check that it conforms.")
final class DriveCommand implements Callable<Integer> {
    /** What to do. */
    enum Mode {
        /** Sends. */
        TX,
        /** Receives. */
        RX,
        /** Sends and waits for the echo. */
        PING,
        /** Checks what the device does. */
        CHECK
    }

    private final Consumer<String> out;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "tx|rx|ping|check", description = "What to do.")
    private Mode mode = Mode.CHECK;

    @Option(
            names = {"--socket-path"},
            required = true,
            paramLabel = "PATH",
            description = "The socket the device listens on.")
    private String socketPath = "";

    @Option(
            names = {"--peer"},
            paramLabel = "unix:PATH|tcp:HOST:PORT",
            description = "Connect to the port's chardev too, and check (tx), feed (rx) or echo (ping) the data.")
    private @Nullable String peer;

    @Option(
            names = {"--port"},
            paramLabel = "N",
            description = "The port; default 1.")
    private int port = 1;

    @Option(
            names = {"--block"},
            paramLabel = "BYTES",
            description = "Bytes of each buffer; default 4096.")
    private int blockBytes = 4096;

    @Option(
            names = {"--queue-size"},
            paramLabel = "N",
            description = "Descriptors of each queue; default 256.")
    private int queueSize = 256;

    @Option(
            names = {"--depth"},
            paramLabel = "N",
            description = "Buffers in flight; default the queue size.")
    private int depth;

    @Option(
            names = {"--duration"},
            paramLabel = "SECONDS",
            description = "How long; default 5.")
    private double seconds = 5;

    @Option(
            names = {"--manner"},
            paramLabel = "NAME",
            description = "Behave like qemu, uml, crosvm or cloud_hypervisor; default qemu.")
    private Manner manner = Manner.QEMU;

    @Option(
            names = {"--packed"},
            description = "Use packed rings; the device has to offer them (packed=on).")
    private boolean packed;

    @Option(
            names = {"--in-order"},
            description = "Rely on buffers being used in order; the device has to offer that (in_order=on).")
    private boolean inOrder;

    DriveCommand(Consumer<String> out) {
        this.out = out;
    }

    /** The command as a subcommand of the program. */
    static CommandLine subcommand() {
        CommandLine line =
                new CommandLine(new DriveCommand(text -> Console.out().println(text)));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        return line;
    }

    @Override
    public Integer call() throws StartException {
        try {
            if (mode == Mode.CHECK) {
                return ConformanceCheck.run(socketPath, port, new RingFormat(packed, inOrder), out)
                        ? CommandLine.ExitCode.OK
                        : CommandLine.ExitCode.SOFTWARE;
            }
            LoadOptions options = options();
            LoadResult result = switch (mode) {
                case TX -> ConsoleLoad.tx(options);
                case RX -> ConsoleLoad.rx(options);
                default -> ConsoleLoad.ping(options);
            };
            result.lines().forEach(out);
            return CommandLine.ExitCode.OK;
        } catch (IOException e) {
            throw new StartException(mode.name().toLowerCase(Locale.ROOT) + " failed: " + e.getMessage());
        }
    }

    private LoadOptions options() {
        try {
            Duration duration = Duration.ofNanos((long) (seconds * 1e9));
            int inFlight = depth == 0 ? queueSize : depth;
            return new LoadOptions(
                    socketPath,
                    manner,
                    port,
                    blockBytes,
                    queueSize,
                    inFlight,
                    duration,
                    peer,
                    new RingFormat(packed, inOrder));
        } catch (IllegalArgumentException e) {
            CommandSpec known = spec;
            if (known == null) {
                throw e;
            }
            throw new CommandLine.ParameterException(known.commandLine(), String.valueOf(e.getMessage()));
        }
    }
}
