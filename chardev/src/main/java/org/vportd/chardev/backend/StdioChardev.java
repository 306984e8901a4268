package org.vportd.chardev.backend;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import org.vportd.chardev.Opening;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Errno;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

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
            return StdioChardev.open(
                    opening.loop(), opening.id(), 0, 1, opening.options().bool("signal", true));
        }
    };

    private static final Logger LOG = System.getLogger(StdioChardev.class.getName());

    /** Static, as what it stands for is the process's. */
    private static final AtomicBoolean TAKEN = new AtomicBoolean();

    private final StandardStream input;
    private final StandardStream output;
    private boolean closed;

    private StdioChardev(EventLoop loop, String id, StandardStream input, StandardStream output) throws PosixException {
        super(loop, id, input.fd(), output.fd());
        this.input = input;
        this.output = output;
    }

    /**
     * Takes two descriptors of the process, which stay open.
     *
     * @param signals whether the interrupt and quit keys of a terminal end the program instead of being input
     */
    static StdioChardev open(EventLoop loop, String id, int inputNumber, int outputNumber, boolean signals)
            throws ConfigException {
        if (!TAKEN.compareAndSet(false, true)) {
            throw new ConfigException("cannot use stdio by multiple character devices");
        }
        StandardStream in = null;
        StandardStream out = null;
        try {
            in = StandardStream.open(inputNumber, Posix.O_RDONLY);
            out = StandardStream.open(outputNumber, Posix.O_WRONLY);
            in.enterConsoleMode(signals);
            return new StdioChardev(loop, id, in, out);
        } catch (PosixException e) {
            giveBack(in, out);
            throw new OpenException("cannot use stdio: " + e.getMessage());
        }
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
        TAKEN.set(false);
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
            giveBack(output, input);
        }
    }
}
