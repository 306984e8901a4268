package org.vportd.bench.peer;

/** What data goes through between the program that is measured and its peer. */
public enum Wire {
    /** A UNIX stream socket on which the program listens. */
    UNIX(true),
    /** A TCP connection over loopback. */
    TCP(true),
    /** The same with TLS. */
    TLS(true),
    /** A pair of FIFOs. */
    PIPE(true),
    /** A pseudo-terminal. */
    PTY(true),
    /** Three UNIX stream sockets that all get the same. */
    HUB(true),
    /** A regular file, in memory where that can be had. */
    FILE(false),
    /** Memory of the program: the plain loop has nothing like it. */
    RINGBUF(false),
    /** Nothing at all. */
    NULL(false);

    /** The members of a hub. */
    public static final int HUB_MEMBERS = 3;

    private final boolean peered;

    Wire(boolean peered) {
        this.peered = peered;
    }

    /** Whether there is somebody at the other end. */
    public boolean hasPeer() {
        return peered;
    }

    /** How many descriptors the program has for one port. */
    public int members() {
        return this == HUB ? HUB_MEMBERS : 1;
    }

    /** Whether a plain loop can do the same with a descriptor. */
    public boolean hasDescriptor() {
        return this != NULL && this != RINGBUF;
    }
}
