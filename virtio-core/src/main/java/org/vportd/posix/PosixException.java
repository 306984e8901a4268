package org.vportd.posix;

import java.io.IOException;

/** A system call failed. The message is {@code call: text of the error}. */
public final class PosixException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final int errno;

    /**
     * Makes the failure of one call.
     *
     * @param call the C name of the call
     * @param errno the error number it left, see {@link Errno}
     */
    public PosixException(String call, int errno) {
        super(call + ": " + Errno.text(errno));
        this.call = call;
        this.errno = errno;
    }

    /** The C name of the call that failed. */
    public String call() {
        return call;
    }

    /** The error number, see {@link Errno}. */
    public int errno() {
        return errno;
    }

    /** The C library's text for the error number, without the call. */
    public String errorText() {
        return Errno.text(errno);
    }
}
