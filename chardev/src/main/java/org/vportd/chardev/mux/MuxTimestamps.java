package org.vportd.chardev.mux;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.vportd.handover.Parcel;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/**
 * Writes output, while it is switched on with the time before each line: {@code [hh:mm:ss.mmm] }, counted from when it was
 * first switched on.
 */
final class MuxTimestamps implements AutoCloseable {
    private static final int STAMP_LENGTH = 64;
    private static final String ON = "on";
    private static final String IN_LINE = "in-line";
    private static final String STAMP = "stamp";
    private static final String ELAPSED_NS = "elapsed-ns";

    private final MuxOutput base;
    private final LongSupplier nanoTime;
    private final IoVector line = new IoVector();
    private final IoVector stamp = new IoVector();
    private final long stampMemory = NativeMemory.allocate(STAMP_LENGTH);
    private long startNs;
    private boolean started;
    private boolean on;
    private boolean atLineStart = true;

    MuxTimestamps(MuxOutput base, LongSupplier nanoTime) {
        this.base = base;
        this.nanoTime = nanoTime;
    }

    Parcel pack() {
        Parcel parcel = new Parcel().put(ON, on).put(IN_LINE, !atLineStart).put(STAMP, Multiplexer.bytes(stamp));
        return started ? parcel.put(ELAPSED_NS, nanoTime.getAsLong() - startNs) : parcel;
    }

    void unpack(Parcel from) {
        on = from.flag(ON);
        atLineStart = !from.flag(IN_LINE);
        started = from.has(ELAPSED_NS);
        startNs = nanoTime.getAsLong() - from.number(ELAPSED_NS, 0);
        byte[] unwritten = from.bytes(STAMP);
        int length = Math.min(unwritten.length, STAMP_LENGTH);
        NativeMemory.put(unwritten, 0, stampMemory, length);
        stamp.add(stampMemory, length);
    }

    void toggle() {
        on = !on;
        if (on && !started) {
            started = true;
            startNs = nanoTime.getAsLong();
        }
    }

    long write(IoVector data) {
        if (!on && stamp.isEmpty()) {
            long taken = base.write(data);
            if (taken > 0) { // a line that has begun without a time does not get one in its middle
                atLineStart = endsLine(data, taken);
            }
            return taken;
        }
        long done = 0;
        while (done < data.bytes() && writeStamp()) {
            line.clear();
            line.addPart(data, done, lineLength(data, done));
            long n = base.write(line);
            done += n;
            if (n < line.bytes()) {
                return done;
            }
            atLineStart = endsLine(line, n);
        }
        return done;
    }

    /** False if there is no room for it all yet. */
    private boolean writeStamp() {
        if (on && atLineStart && stamp.isEmpty()) {
            long ms = TimeUnit.NANOSECONDS.toMillis(nanoTime.getAsLong() - startNs);
            String text = String.format(
                    Locale.ROOT, "[%02d:%02d:%02d.%03d] ", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
            byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
            NativeMemory.put(bytes, 0, stampMemory, bytes.length);
            stamp.add(stampMemory, bytes.length);
            atLineStart = false;
        }
        if (!stamp.isEmpty()) {
            stamp.consume(base.write(stamp));
        }
        return stamp.isEmpty();
    }

    private static long lineLength(IoVector data, long from) {
        long position = 0;
        for (int i = 0; i < data.segments(); i++) {
            long length = data.segmentBytes(i);
            for (long at = Math.max(0, from - position); at < length; at++) {
                if (NativeMemory.getByte(data.segmentAddress(i) + at) == '\n') {
                    return position + at + 1 - from;
                }
            }
            position += length;
        }
        return data.bytes() - from;
    }

    /** Whether the last of so many bytes ends a line. */
    private static boolean endsLine(IoVector data, long bytes) {
        long at = bytes - 1;
        int segment = 0;
        while (at >= data.segmentBytes(segment)) {
            at -= data.segmentBytes(segment);
            segment++;
        }
        return NativeMemory.getByte(data.segmentAddress(segment) + at) == '\n';
    }

    @Override
    public void close() {
        line.close();
        stamp.close();
        NativeMemory.free(stampMemory);
    }
}
