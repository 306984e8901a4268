package org.vportd.vhostuser.frontend;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What load to make.
 *
 * @param socketPath the back-end
 * @param manner whose habits the front-end has
 * @param port the port
 * @param blockBytes the size of each buffer
 * @param queueSize descriptors of each queue; up to 32768, and a power of two unless rings are packed
 * @param depth how many buffers the device has at the same time; up to {@code queueSize}
 * @param duration how long
 * @param peer what is connected to the port's chardev by this program, {@code unix:PATH} or {@code tcp:HOST:PORT}, or null
 * @param format what the rings are like
 */
public record LoadOptions(
        String socketPath,
        Manner manner,
        int port,
        int blockBytes,
        int queueSize,
        int depth,
        Duration duration,
        @Nullable String peer,
        RingFormat format) {
    /** Checks the numbers. */
    public LoadOptions {
        if (port < 0 || blockBytes < 1 || blockBytes > 1 << 24) {
            throw new IllegalArgumentException("out of range: port=" + port + " block=" + blockBytes);
        }
        if (queueSize < 1 || queueSize > 32768 || (!format.packed() && Integer.bitCount(queueSize) != 1)) {
            throw new IllegalArgumentException((format.packed()
                            ? "queue size is not within 1 to 32768"
                            : "queue size is no power of two up to 32768")
                    + ": queue-size=" + queueSize);
        }
        if (depth < 1 || depth > queueSize || (long) depth * blockBytes > 1L << 31) {
            throw new IllegalArgumentException("out of range: depth=" + depth + " queue-size=" + queueSize);
        }
    }

    FrontendOptions frontend() {
        return FrontendOptions.of(manner);
    }

    ConsoleOptions console() {
        return ConsoleOptions.linux()
                .withQueueSize(queueSize)
                .withBufferBytes(blockBytes)
                .withFormat(format)
                .withExtraBytes((long) depth * blockBytes + blockBytes);
    }
}
