package org.vportd.virtio.queue;

/** The driver has broken the rules of a ring. Costs no stack trace, for a hostile driver can cause it at will. */
public final class DriverFaultException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes the fault.
     *
     * @param what the rule and the values, as {@code what: name=value}
     */
    public DriverFaultException(String what) {
        super(what, null, false, false);
    }
}
