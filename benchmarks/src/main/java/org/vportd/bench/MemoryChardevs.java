package org.vportd.bench;

/** Character devices that nothing stands behind but memory. */
public enum MemoryChardevs {
    /** Drops all output. */
    NULL("null"),
    /** Keeps the newest 64 KiB of it. */
    RINGBUF("ringbuf");

    /** As the user writes it. */
    final String options;

    MemoryChardevs(String options) {
        this.options = options;
    }
}
