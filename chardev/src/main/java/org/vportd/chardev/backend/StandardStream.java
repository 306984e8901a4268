package org.vportd.chardev.backend;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.handover.Parcel;
import org.vportd.posix.Fd;
import org.vportd.posix.FileStatus;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Terminals;

/**
 * One of the program's standard streams, to be used without waiting. Not waiting is a mode of the open file, which the
 * shell and the program's own log share: where it can be, the file is opened once more for us alone.
 */
final class StandardStream implements AutoCloseable {
    private static final String SHARED = "shared";
    private static final String WAITED = "waited";
    private static final String MODE = "mode";

    private final Fd shared;
    private final @Nullable Fd fd;
    private boolean restoresFlags;
    private Terminals.@Nullable Mode formerMode;

    private StandardStream(Fd shared, @Nullable Fd fd, boolean restoresFlags) {
        this.shared = shared;
        this.fd = fd;
        this.restoresFlags = restoresFlags;
    }

    /**
     * Gets one ready.
     *
     * @param number the descriptor, which stays the process's
     * @param flags {@link Posix#O_RDONLY} or {@link Posix#O_WRONLY}
     */
    static StandardStream open(int number, int flags) throws PosixException {
        Fd processes = new Fd(number);
        Fd shared;
        try {
            shared = processes.duplicate();
        } finally {
            processes.release();
        }
        try {
            Fd own = reopen(shared, flags);
            if (own != null) {
                return new StandardStream(shared, own, false);
            }
            own = shared.duplicate();
            boolean waited = !Posix.isNonBlocking(shared);
            Posix.setNonBlocking(shared, true);
            return new StandardStream(shared, own, waited);
        } catch (PosixException e) {
            shared.close();
            throw e;
        }
    }

    /**
     * Goes on with that of another process.
     *
     * @param fd what to read from or write to, null if there is nothing left to be read
     */
    static StandardStream inherited(Parcel from, @Nullable Fd fd) throws ConfigException {
        Fd shared = from.takeFd(SHARED);
        if (shared == null) {
            throw new ConfigException("no standard stream was handed over");
        }
        StandardStream stream = new StandardStream(shared, fd, from.flag(WAITED));
        stream.formerMode = from.has(MODE) ? Terminals.Mode.of(from.bytes(MODE)) : null;
        return stream;
    }

    /** What another process needs to go on with it, besides {@link #fd}. */
    Parcel pack() {
        Parcel parcel = new Parcel().put(SHARED, shared).put(WAITED, restoresFlags);
        return formerMode == null ? parcel : parcel.put(MODE, formerMode.bytes());
    }

    /** Has everything left as it is. */
    void leave() {
        formerMode = null;
        restoresFlags = false;
    }

    /** Null where a second opening would not be the same thing (a position in a file) or is refused (a socket). */
    private static @Nullable Fd reopen(Fd shared, int flags) throws PosixException {
        if (FileStatus.of(shared).isRegular()) {
            return null;
        }
        try {
            return Posix.open("/proc/self/fd/" + shared.value(), flags | Posix.O_NONBLOCK | Posix.O_NOCTTY, 0);
        } catch (PosixException e) {
            return null;
        }
    }

    /** What to read from or write to; whoever takes it closes it. Null if there is nothing left to be read. */
    @Nullable
    Fd fd() {
        return fd;
    }

    /** Puts a terminal into console mode until {@link #close}; nothing happens if it is none. */
    void enterConsoleMode(boolean signals) throws PosixException {
        if (Posix.isTerminal(shared)) {
            Terminals.Mode mode = formerMode == null ? Terminals.Mode.of(shared) : formerMode;
            formerMode = mode;
            mode.console(signals).apply(shared);
        }
    }

    /** Restores what another process may have changed while this one was stopped, such as the shell it was started from. */
    void reapply(boolean signals) throws PosixException {
        if (restoresFlags) {
            Posix.setNonBlocking(shared, true);
        }
        if (formerMode != null && Terminals.isForeground(shared)) { // to set it from the background would stop us
            enterConsoleMode(signals);
        }
    }

    /** The size of a terminal's window, not known if it is none. */
    Terminals.Size windowSize() {
        return Terminals.Size.of(shared);
    }

    /** Makes it the duty of this one to leave everything as the other one has found it. */
    void takeOver(StandardStream other) {
        formerMode = other.formerMode;
        restoresFlags |= other.restoresFlags;
        other.formerMode = null;
        other.restoresFlags = false;
    }

    /** Leaves everything as it was found. */
    @Override
    public void close() throws PosixException {
        try (shared;
                fd) {
            if (formerMode != null && Terminals.isForeground(shared)) {
                formerMode.apply(shared);
            }
            if (restoresFlags) {
                Posix.setNonBlocking(shared, false);
            }
        }
    }
}
