package org.vportd.virtio.driver;

/** The device has broken the rules of a ring. */
public final class DeviceFaultException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes the fault.
     *
     * @param what the rule and the values, as {@code what: name=value}
     */
    public DeviceFaultException(String what) {
        super(what);
    }
}
