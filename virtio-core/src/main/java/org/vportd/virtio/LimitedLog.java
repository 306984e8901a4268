package org.vportd.virtio;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * A log for what a driver or a peer can cause as often as it likes: a few lines in each interval are written, the others
 * counted, and the count is told with the next line. One thread.
 */
public final class LimitedLog {
    private static final int LINES_PER_INTERVAL = 20;
    private static final long INTERVAL_NS = TimeUnit.SECONDS.toNanos(10);

    private final Logger logger;
    private final LongSupplier nanoTime;
    private long intervalStartNs;
    private int lines;
    private long suppressed;

    /**
     * Makes a log.
     *
     * @param nanoTime a monotonic clock
     */
    public LimitedLog(Logger logger, LongSupplier nanoTime) {
        this.logger = logger;
        this.nanoTime = nanoTime;
        this.intervalStartNs = nanoTime.getAsLong();
    }

    /** Writes a warning, or counts it. */
    public void warn(String message) {
        write(Level.WARNING, message);
    }

    /** Writes a notice, or counts it. */
    public void info(String message) {
        write(Level.INFO, message);
    }

    private void write(Level level, String message) {
        long now = nanoTime.getAsLong();
        if (now - intervalStartNs >= INTERVAL_NS) {
            intervalStartNs = now;
            lines = 0;
        }
        if (lines == LINES_PER_INTERVAL) {
            suppressed++;
            return;
        }
        lines++;
        String tail = suppressed == 0 ? "" : " (" + suppressed + " lines before this one were suppressed)";
        suppressed = 0;
        logger.log(level, message + tail);
    }
}
