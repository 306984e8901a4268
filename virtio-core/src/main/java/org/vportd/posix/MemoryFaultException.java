package org.vportd.posix;

/**
 * Memory that another process shares with this one is no longer there: its file was truncated under the mapping, and a
 * system call on it met {@code EFAULT}. The counterpart for a plain access is {@link InternalError}. Whoever owns the
 * mapping ends; nothing else is wrong.
 */
public final class MemoryFaultException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes the fault of one call.
     *
     * @param call the C name of the call that met it
     */
    public MemoryFaultException(String call) {
        super(call + ": shared memory is gone", null, false, false);
    }
}
