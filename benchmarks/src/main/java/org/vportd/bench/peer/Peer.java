package org.vportd.bench.peer;

import java.io.IOException;
import java.nio.file.Path;

/** A thread at the other end of what is measured. */
public sealed interface Peer extends AutoCloseable permits StreamPeer, TlsPeer {
    /** What a peer does. */
    public enum Role {
        /** Reads. */
        TAKE,
        /** Writes. */
        GIVE,
        /** Writes back what it reads. */
        ECHO
    }

    /** The bytes moved so far, a moment ago. Thread: any. */
    long bytes();

    /** Where the kernel tells of the thread, below {@code /proc}. */
    Path task() throws IOException;

    @Override
    void close();
}
