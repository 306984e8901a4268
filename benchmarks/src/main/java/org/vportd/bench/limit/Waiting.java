package org.vportd.bench.limit;

/** How an echo waits for what comes next. */
public enum Waiting {
    /** In the call that reads it. */
    IN_CALL,
    /** With epoll before each read, as a program does that has more to wait for. */
    EPOLL,
    /** Not at all: it looks again and again, for kicks at the {@link Board}, so the other side need not signal it. */
    LOOKING
}
