package org.vportd.chardev.backend;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import org.vportd.chardev.Opening;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.SerialLine;

/**
 * A serial line of the host: 115200 bits per second, 8 data bits, no parity, one stop bit and no flow control, unless the
 * user wants others. Its parameters stay as they are at the end. Open until the line hangs up or its adapter is unplugged;
 * output is dropped from then on. A break that comes from the line is read as a NUL byte.
 */
public final class SerialChardev extends FdChardev {
    /** The type {@code serial}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "serial";
        }

        @Override
        public Set<String> keys() {
            return SerialOptions.KEYS;
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            SerialOptions options = SerialOptions.of(opening.options());
            if (opening.inherited() != null) {
                return goOn(opening, options);
            }
            Fd line = openPath(opening, options.path(), Posix.O_RDWR);
            boolean complete = false;
            try {
                requireLine(line, options.path());
                setParameters(line, options);
                Fd input = line.duplicate();
                complete = true;
                return new SerialChardev(opening, input, line, options);
            } catch (PosixException e) {
                throw cannotUse(options, e);
            } finally {
                if (!complete) {
                    line.close();
                }
            }
        }

        /** Nobody has set the line meanwhile but who may. */
        private Chardev goOn(Opening opening, SerialOptions options) throws ConfigException {
            Fd line = opening.takeInherited(OUTPUT);
            try {
                return new SerialChardev(opening, takeInput(opening), line, options);
            } catch (PosixException e) {
                throw cannotUse(options, e);
            }
        }

        private ConfigException cannotUse(SerialOptions options, PosixException cause) {
            return new OpenException("cannot use '" + options.path() + "' as a serial line: " + cause.errorText());
        }

        private void requireLine(Fd line, String path) throws ConfigException, PosixException {
            if (!Posix.isTerminal(line)) {
                throw new OpenException("'" + path + "' is not a serial line");
            }
            SerialLine.parameters(line);
        }

        /** The line may be that of the one before, which goes on with it if this one is refused. */
        private void setParameters(Fd line, SerialOptions options) throws ConfigException, PosixException {
            SerialLine.Parameters before = SerialLine.parameters(line);
            boolean complete = false;
            try {
                options.check(SerialLine.apply(line, options.parameters()));
                complete = true;
            } finally {
                if (!complete) {
                    SerialLine.apply(line, before);
                }
            }
        }
    };

    private static final Logger LOG = System.getLogger(SerialChardev.class.getName());
    private static final long BREAK_NS = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long LOOK_AGAIN_NS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(5);

    private static final String BREAK = "break";

    private enum BreakState {
        NONE,
        WAITS_FOR_OUTPUT,
        ON
    }

    private final EventLoop loop;
    private final Fd line;
    private final SerialOptions options;
    private final LoopTimer breakTimer;
    private BreakState breakState = BreakState.NONE;
    private long breakDeadlineNs;
    private boolean held;

    private SerialChardev(Opening opening, @Nullable Fd input, Fd line, SerialOptions options) throws PosixException {
        super(opening, input, line);
        this.loop = opening.loop();
        this.line = line;
        this.options = options;
        this.breakTimer = loop.timer(this::goOnWithBreak);
        String inherited =
                opening.inherited() == null ? null : opening.inherited().text(BREAK);
        if (inherited != null) {
            breakState = BreakState.valueOf(inherited);
            breakDeadlineNs = loop.nanoTime() + PATIENCE_NS;
            breakTimer.start(breakState == BreakState.ON ? BREAK_NS : LOOK_AGAIN_NS);
        }
    }

    @Override
    protected void pack(Parcel into) {
        super.pack(into);
        if (breakState != BreakState.NONE) {
            into.put(BREAK, breakState.name());
        }
    }

    @Override
    public String filename() {
        return "serial";
    }

    @Override
    boolean meansGone(int errno) {
        return errno == Errno.EIO || errno == Errno.ENXIO || errno == Errno.ENODEV;
    }

    @Override
    protected long write(IoVector data) {
        if (breakState != BreakState.NONE) {
            held = true; // would be lost, or make the break late
            return 0;
        }
        return super.write(data);
    }

    /**
     * Sends a break of a quarter of a second over the line, behind the output that was written before; output that comes
     * meanwhile waits. One that is under way already is not prolonged.
     */
    public void sendBreakToLine() {
        if (breakState == BreakState.NONE) {
            breakState = BreakState.WAITS_FOR_OUTPUT;
            breakDeadlineNs = loop.nanoTime() + PATIENCE_NS;
            goOnWithBreak();
        }
    }

    private void goOnWithBreak() {
        try {
            if (breakState == BreakState.ON) {
                endBreak();
                SerialLine.setBreak(line, false);
            } else if (SerialLine.unsent(line) == 0) {
                SerialLine.setBreak(line, true);
                breakState = BreakState.ON;
                breakTimer.start(BREAK_NS);
            } else if (breakDeadlineNs - loop.nanoTime() > 0) {
                breakTimer.start(LOOK_AGAIN_NS);
            } else {
                endBreak();
                LOG.log(Level.WARNING, "no break sent, the line does not take output: chardev=" + id());
            }
        } catch (PosixException e) {
            endBreak();
            LOG.log(Level.WARNING, "cannot send a break: chardev=" + id() + " error=" + e.getMessage());
        }
        if (held && breakState == BreakState.NONE) {
            held = false;
            writable();
        }
    }

    private void endBreak() {
        breakState = BreakState.NONE;
        breakTimer.cancel();
    }

    /** Whether a break is being sent, or waits for the output before it. */
    public boolean isSendingBreak() {
        return breakState != BreakState.NONE;
    }

    /**
     * The state of the lines beside the data.
     *
     * @throws ConfigException if there are none, as on a pseudo-terminal
     */
    public ModemLines modemLines() throws ConfigException {
        return ModemLines.of(modemMask());
    }

    /**
     * Sets those of the lines beside the data that are ours.
     *
     * @throws ConfigException as {@link #modemLines}
     */
    public void setModemLines(boolean dataTerminalReady, boolean requestToSend) throws ConfigException {
        int mask = modemMask() & ~(SerialLine.TIOCM_DTR | SerialLine.TIOCM_RTS);
        mask |= dataTerminalReady ? SerialLine.TIOCM_DTR : 0;
        mask |= requestToSend ? SerialLine.TIOCM_RTS : 0;
        try {
            SerialLine.setModemLines(line, mask);
        } catch (PosixException e) {
            throw noModemLines(e);
        }
    }

    private int modemMask() throws ConfigException {
        try {
            return SerialLine.modemLines(line);
        } catch (PosixException e) {
            throw noModemLines(e);
        }
    }

    private ConfigException noModemLines(PosixException cause) {
        return new OpenException(
                "Chardev '" + id() + "' has no modem lines: " + cause.errorText(), "path is '" + options.path() + "'");
    }

    @Override
    public void close() {
        if (breakState == BreakState.ON && !isHandedOver()) {
            goOnWithBreak(); // the line must not stay in it
        }
        endBreak();
        super.close();
    }
}
