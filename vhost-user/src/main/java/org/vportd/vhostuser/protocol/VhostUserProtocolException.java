package org.vportd.vhostuser.protocol;

import java.io.IOException;

/** The peer broke the framing of the stream: there is no way to find the next message, so the session ends. */
public final class VhostUserProtocolException extends IOException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes the failure.
     *
     * @param what the rule and the values, as {@code what: name=value}
     */
    public VhostUserProtocolException(String what) {
        super(what);
    }
}
