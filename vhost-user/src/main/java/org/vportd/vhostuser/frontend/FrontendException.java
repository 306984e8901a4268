package org.vportd.vhostuser.frontend;

import java.io.IOException;

/** The back-end refused a request, did not answer in time, or did what it must not. */
public final class FrontendException extends IOException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes the failure.
     *
     * @param what what went wrong and the values, as {@code what: name=value}
     */
    public FrontendException(String what) {
        super(what);
    }
}
