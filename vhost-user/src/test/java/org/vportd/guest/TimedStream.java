package org.vportd.guest;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A stream both ways, every wait on which has a deadline. One thread may read while another writes. */
interface TimedStream extends AutoCloseable {
    /** Reads what there is, waiting for the first byte; -1 at the end of the stream, 0 when time is up. */
    int read(ByteBuffer target, Deadline deadline) throws IOException;

    /** Writes all of it; false when time is up, with the rest still in the buffer. */
    boolean write(ByteBuffer source, Deadline deadline) throws IOException;

    @Override
    void close() throws IOException;
}
