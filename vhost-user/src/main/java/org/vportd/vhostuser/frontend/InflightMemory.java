package org.vportd.vhostuser.frontend;

import org.vportd.posix.Fd;
import org.vportd.vhostuser.protocol.InflightArea;

/**
 * Memory in which back-ends note chains in flight, kept by a front-end from one to the next.
 *
 * @param area what it is made for
 * @param file the file, owned by whoever has this
 */
public record InflightMemory(InflightArea area, Fd file) implements AutoCloseable {
    @Override
    public void close() {
        file.close();
    }
}
