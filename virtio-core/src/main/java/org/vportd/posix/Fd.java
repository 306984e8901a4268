package org.vportd.posix;

/** A descriptor and the duty to close it. Exactly one owner; not thread-safe. */
public final class Fd implements AutoCloseable {
    private static final int CLOSED = -1;

    private int value;

    /**
     * Takes ownership of an open descriptor.
     *
     * @param value the descriptor, at least 0
     */
    public Fd(int value) {
        if (value < 0) {
            throw new IllegalArgumentException("not a descriptor: value=" + value);
        }
        this.value = value;
    }

    /**
     * The raw number, for a system call.
     *
     * @throws IllegalStateException if it has been closed, so that a number the kernel has reused is never touched
     */
    public int value() {
        if (value == CLOSED) {
            throw new IllegalStateException("descriptor is closed");
        }
        return value;
    }

    /** Whether it has not been closed yet. */
    public boolean isOpen() {
        return value != CLOSED;
    }

    /** Makes a second, close-on-exec descriptor of the same open file. */
    public Fd duplicate() throws PosixException {
        return new Fd(Posix.duplicate(value()));
    }

    /** Gives the descriptor away: this object no longer owns it. */
    public int release() {
        int released = value();
        value = CLOSED;
        return released;
    }

    /** Closes the descriptor; a second call does nothing. */
    @Override
    public void close() {
        if (value != CLOSED) {
            LibC.C.close(release()); // never retried: Linux has freed the number even after EINTR
        }
    }

    @Override
    public String toString() {
        return value == CLOSED ? "fd(closed)" : "fd(" + value + ")";
    }
}
