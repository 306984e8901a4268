package org.vportd.chardev.backend;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import org.vportd.chardev.Opening;
import org.vportd.handover.Parcel;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Terminals;

/**
 * The program's own standard input and output. A terminal is put into console mode until {@link #close}. Once nobody reads
 * the output any more it is dropped.
 */
public final class StdioChardev extends FdChardev {
    /** The type {@code stdio}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "stdio";
        }

        @Override
        public Set<String> keys() {
            return Set.of("signal");
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            return StdioChardev.open(opening, 0, 1);
        }
    };

    private static final Logger LOG = System.getLogger(StdioChardev.class.getName());

    private static final String IN = "in";
    private static final String OUT = "out";

    /** Static, as what it stands for is the process's. */
    private static final AtomicBoolean TAKEN = new AtomicBoolean();

    private final StandardStream input;
    private final StandardStream output;
    private final boolean signals;
    private boolean owns;
    private boolean closed;

    private StdioChardev(Opening opening, StandardStream input, StandardStream output, boolean signals, boolean owns)
            throws PosixException {
        super(opening, input.fd(), Objects.requireNonNull(output.fd()));
        this.input = input;
        this.output = output;
        this.signals = signals;
        this.owns = owns;
    }

    /**
     * Takes two descriptors of the process, which stay open. Besides the one that is to be replaced there is none.
     *
     * @param opening its option {@code signal} tells whether the interrupt and quit keys of a terminal end the program
     *     instead of being input
     */
    static StdioChardev open(Opening opening, int inputNumber, int outputNumber) throws ConfigException {
        boolean signals = opening.options().bool("signal", true);
        if (opening.inherited() != null) {
            return goOn(opening, opening.inherited(), signals);
        }
        boolean first = opening.predecessor(StdioChardev.class) == null;
        if (first && !TAKEN.compareAndSet(false, true)) {
            throw new ConfigException("cannot use stdio by multiple character devices");
        }
        StandardStream in = null;
        StandardStream out = null;
        try {
            in = StandardStream.open(inputNumber, Posix.O_RDONLY);
            out = StandardStream.open(outputNumber, Posix.O_WRONLY);
            if (first) {
                in.enterConsoleMode(signals);
            }
            return new StdioChardev(opening, in, out, signals, first);
        } catch (PosixException e) {
            giveBack(in, out);
            if (first) {
                TAKEN.set(false);
            }
            throw new OpenException("cannot use stdio: " + e.getMessage());
        }
    }

    /** The terminal stays in the mode it is in. */
    private static StdioChardev goOn(Opening opening, Parcel from, boolean signals) throws ConfigException {
        Fd outputFd = opening.takeInherited(OUTPUT);
        Fd inputFd = takeInput(opening);
        StandardStream in = null;
        StandardStream out = null;
        try {
            out = StandardStream.inherited(from.parcel(OUT), outputFd);
            in = StandardStream.inherited(from.parcel(IN), inputFd);
            StdioChardev chardev = new StdioChardev(opening, in, out, signals, true);
            TAKEN.set(true);
            in = null;
            out = null;
            return chardev;
        } catch (PosixException e) {
            throw new OpenException("cannot use stdio: " + e.getMessage());
        } finally {
            leave(in, out);
        }
    }

    private static void leave(@Nullable StandardStream... streams) {
        for (StandardStream stream : streams) {
            if (stream != null) {
                stream.leave();
            }
        }
        giveBack(streams);
    }

    @Override
    protected void pack(Parcel into) {
        super.pack(into);
        into.put(IN, input.pack()).put(OUT, output.pack());
    }

    private static void giveBack(@Nullable StandardStream... streams) {
        for (StandardStream stream : streams) {
            try {
                if (stream != null) {
                    stream.close();
                }
            } catch (PosixException e) {
                LOG.log(Level.WARNING, "cannot restore the terminal: error=" + e.getMessage());
            }
        }
    }

    /** The terminal's former mode, which is to be restored at the end, is that from before the first of them. */
    @Override
    protected void begin(@Nullable Chardev predecessor) {
        windowChanged();
        if (predecessor instanceof StdioChardev before) {
            input.takeOver(before.input);
            output.takeOver(before.output);
            owns = before.owns;
            before.owns = false;
            try {
                input.enterConsoleMode(signals);
            } catch (PosixException e) {
                LOG.log(Level.WARNING, "cannot set the terminal: chardev=" + id() + " error=" + e.getMessage());
            }
        }
    }

    /**
     * Puts the terminal into console mode again. To be called when the process goes on after it was stopped: the shell has
     * used the terminal meanwhile. Does nothing in the background.
     */
    public void reapply() {
        try {
            if (!closed) {
                input.reapply(signals);
                output.reapply(signals);
            }
        } catch (PosixException e) {
            LOG.log(Level.WARNING, "cannot set the terminal again: chardev=" + id() + " error=" + e.getMessage());
        }
    }

    /** Looks at the size of the terminal. To be called at SIGWINCH, and when the process goes on after it was stopped. */
    public void windowChanged() {
        if (!closed) {
            Terminals.Size size = output.windowSize();
            raiseSize(size.columns(), size.rows());
        }
    }

    @Override
    public String filename() {
        return "stdio";
    }

    /** EIO: the terminal has hung up, and nobody else can ever read it. */
    @Override
    boolean meansGone(int errno) {
        return errno == Errno.EPIPE || errno == Errno.EIO;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            super.close();
            if (isHandedOver()) {
                leave(output, input);
                return;
            }
            giveBack(output, input);
            if (owns) {
                TAKEN.set(false);
            }
        }
    }
}
