package org.vportd.vhostuser.protocol;

/**
 * One message is refused: it is answered with a non-zero acknowledgement if it asked for one, nothing else changes, and the
 * session goes on. Costs no stack trace, for a peer can cause it at will.
 */
public final class VhostUserRequestException extends Exception {
    private static final long serialVersionUID = 1L;

    /**
     * Makes the refusal.
     *
     * @param what the rule and the values, as {@code what: name=value}
     */
    public VhostUserRequestException(String what) {
        super(what, null, false, false);
    }
}
