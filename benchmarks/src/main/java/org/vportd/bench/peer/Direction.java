package org.vportd.bench.peer;

/** Where data goes, as a guest's driver sees it. */
public enum Direction {
    /** From the guest to the peer. */
    TX,
    /** From the peer to the guest. */
    RX,
    /** Both at once. */
    BOTH;

    /** Whether the peer reads. */
    public boolean transmits() {
        return this != RX;
    }

    /** Whether the peer writes. */
    public boolean receives() {
        return this != TX;
    }
}
