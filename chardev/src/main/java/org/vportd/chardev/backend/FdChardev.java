package org.vportd.chardev.backend;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.FdStream;
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

/**
 * A chardev that is a descriptor to write to, and perhaps one to read from. Open from the start; the end of the input
 * closes it, but output goes on. Output that fails waits and is tried again: nothing is lost.
 */
abstract class FdChardev extends Chardev {
    private static final Logger LOG = System.getLogger(FdChardev.class.getName());
    private static final long RETRY_NS = TimeUnit.SECONDS.toNanos(1);

    /** Under which name the descriptor for output is handed over; that for input goes with it, if there is one. */
    static final String OUTPUT = "output";

    private static final String INPUT = "input";
    private static final String ENDED = "ended";

    private final @Nullable Fd inputFd;
    private final Fd outputFd;
    private final @Nullable FdStream input;
    private final FdStream output;
    private final LoopTimer retry;
    private boolean failing;
    private boolean receiverGone;

    /** Takes the descriptors, also if this fails; they must never wait. */
    FdChardev(Opening opening, @Nullable Fd input, Fd output) throws PosixException {
        super(opening.id());
        EventLoop loop = opening.loop();
        this.inputFd = input;
        this.outputFd = output;
        try {
            this.input = input == null ? null : new FdStream(loop, input, null, new InputOwner());
        } catch (PosixException e) {
            output.close();
            throw e;
        }
        try {
            this.output = new FdStream(loop, null, output, new OutputOwner());
        } catch (PosixException e) {
            if (this.input != null) {
                this.input.close();
            }
            throw e;
        }
        this.retry = loop.timer(this.output::retryOutput);
        if (opening.inherited() == null || !opening.inherited().flag(ENDED)) {
            raise(ChardevEvent.OPENED);
        }
    }

    /** The descriptor for input that was handed over, if there was one. */
    static @Nullable Fd takeInput(Opening opening) {
        return opening.inherited() == null ? null : opening.inherited().takeFd(INPUT);
    }

    @Override
    protected void pack(Parcel into) {
        into.put(OUTPUT, outputFd);
        if (inputFd != null && inputFd.isOpen()) {
            into.put(INPUT, inputFd);
        }
        into.put(ENDED, !isOpen());
    }

    /** Opens a path without ever waiting for another process. */
    static Fd openPath(Opening opening, String path, int flags) throws ConfigException {
        if (path.isEmpty() || path.indexOf('\0') >= 0) {
            throw new OpenException("Could not open '" + path.replace('\0', '?') + "': No such file or directory");
        }
        try {
            return opening.services().openPath(path, flags | Posix.O_NONBLOCK | Posix.O_NOCTTY);
        } catch (PosixException e) {
            throw couldNotOpen(path, e);
        }
    }

    static ConfigException couldNotOpen(String path, PosixException cause) {
        return new OpenException(
                "Could not open '" + path + "': " + cause.errorText(),
                cause.errno() == Errno.ENXIO ? "a FIFO that nobody reads, or a device that is not there" : "");
    }

    /** Both ways at once would let a dead reader of the output end the input. */
    private final class InputOwner extends StreamOwner {
        @Override
        public void ended() {
            inputEnded();
        }
    }

    private final class OutputOwner extends StreamOwner implements FdStream.RetryingOwner {
        @Override
        public void outputFailed(PosixException failure) {
            failed(failure);
        }

        @Override
        public void ended() {
            throw new IllegalStateException("output has no end");
        }
    }

    private void inputEnded() {
        if (input != null) {
            input.close();
        }
        raise(ChardevEvent.CLOSED);
    }

    /** Whether a failure to write means that nobody will ever take output again. */
    boolean meansGone(int errno) {
        return false;
    }

    /** Writing has failed: has it tried again every second until it works, if it ever can. */
    void failed(PosixException failure) {
        if (meansGone(failure.errno())) {
            receiverGone = true;
            LOG.log(
                    Level.WARNING,
                    "nobody takes output any more, it is dropped: chardev=" + id() + " filename=" + filename()
                            + " error=" + failure.getMessage());
            return;
        }
        if (!failing) {
            failing = true;
            LOG.log(
                    Level.WARNING,
                    "cannot write, output waits: chardev=" + id() + " filename=" + filename() + " error="
                            + failure.getMessage());
        }
        retry.start(RETRY_NS);
    }

    @Override
    protected long write(IoVector data) {
        long n = receiverGone ? 0 : output.write(data);
        if (receiverGone) {
            return data.bytes();
        }
        if (failing && n > 0) {
            failing = false;
            retry.cancel();
            LOG.log(Level.INFO, "output goes on: chardev=" + id());
        }
        return n;
    }

    /** Also after the end of the input. */
    @Override
    public boolean takesOutput() {
        return true;
    }

    @Override
    protected void acceptInput() {
        if (input != null) {
            input.acceptInput();
        }
    }

    @Override
    public void close() {
        retry.cancel();
        output.close();
        if (input != null) {
            input.close();
        }
    }
}
