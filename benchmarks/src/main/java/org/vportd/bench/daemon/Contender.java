package org.vportd.bench.daemon;

import java.io.IOException;

/** Something that moves data when it is told to, and can tell how much. */
interface Contender extends AutoCloseable {
    /** Lets it run. */
    void go() throws IOException;

    /** Stops it; it uses no CPU then. */
    void halt() throws IOException;

    /** The state of its counters. */
    Measurement state() throws IOException;

    @Override
    void close();
}
