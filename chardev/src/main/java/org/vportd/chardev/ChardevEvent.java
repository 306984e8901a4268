package org.vportd.chardev;

/** What a chardev tells its front-end besides data. */
public enum ChardevEvent {
    /** A serial break was received. */
    BREAK,
    /** A peer is there: what is written reaches somebody. */
    OPENED,
    /** This front-end of a multiplexer has the input now. */
    MUX_IN,
    /** This front-end of a multiplexer no longer has the input. */
    MUX_OUT,
    /** The peer has gone. */
    CLOSED
}
