package org.vportd.chardev.record;

import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.function.Consumer;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/** Puts the time before each line, for example {@code 2026-03-01T09:30:00.250Z }, without copying the lines. */
final class LineStamper implements AutoCloseable {
    /** How many segments are gathered before they are passed on: what one system call takes. */
    static final int MAX_SEGMENTS = IoVector.MAX_SEGMENTS_PER_CALL;

    private static final byte[] BLANK = "0000-00-00T00:00:00.000Z ".getBytes(StandardCharsets.US_ASCII);
    private static final int DATE_LENGTH = 10;
    private static final int HOUR_OFFSET = 11;
    private static final int MINUTE_OFFSET = 14;
    private static final int SECOND_OFFSET = 17;
    private static final int MILLI_OFFSET = 20;
    private static final long DAY_MS = 24 * 60 * 60 * 1000L;

    private final long stamp = NativeMemory.allocate(BLANK.length);
    private long stampMs = Long.MIN_VALUE;
    private long stampDay = Long.MIN_VALUE;
    private boolean atLineStart;

    LineStamper(boolean atLineStart) {
        this.atLineStart = atLineStart;
        NativeMemory.put(BLANK, 0, stamp, BLANK.length);
    }

    /** Whether what comes next begins a line. */
    boolean isAtLineStart() {
        return atLineStart;
    }

    /**
     * Interleaves lines with the time.
     *
     * @param data the lines, whole or in parts
     * @param bytes how much of the front of {@code data}
     * @param nowMs the time, since 1970
     * @param into gets segments of the data and of this object; what remains in it is the last part
     * @param whenFull takes all out of {@code into} when that has grown large
     */
    void stamp(IoVector data, long bytes, long nowMs, IoVector into, Consumer<IoVector> whenFull) {
        show(nowMs);
        long left = bytes;
        for (int i = 0; left > 0; i++) {
            long address = data.segmentAddress(i);
            long end = address + Math.min(left, data.segmentBytes(i));
            left -= end - address;
            while (address < end) {
                if (atLineStart) {
                    into.add(stamp, BLANK.length);
                }
                long lineEnd = lineEnd(address, end);
                into.add(address, lineEnd - address);
                address = lineEnd;
                if (into.segments() >= MAX_SEGMENTS - 1) {
                    whenFull.accept(into);
                }
            }
        }
    }

    private long lineEnd(long from, long end) {
        for (long address = from; address < end; address++) {
            if (NativeMemory.getByte(address) == '\n') {
                atLineStart = true;
                return address + 1;
            }
        }
        atLineStart = false;
        return end;
    }

    private void show(long nowMs) {
        if (nowMs == stampMs) {
            return;
        }
        stampMs = nowMs;
        long day = Math.floorDiv(nowMs, DAY_MS);
        if (day != stampDay) {
            stampDay = day;
            byte[] date = LocalDate.ofEpochDay(day).toString().getBytes(StandardCharsets.US_ASCII);
            NativeMemory.put(date, 0, stamp, Math.min(date.length, DATE_LENGTH));
        }
        int ms = (int) Math.floorMod(nowMs, DAY_MS);
        digits(HOUR_OFFSET, 2, ms / 3_600_000);
        digits(MINUTE_OFFSET, 2, ms / 60_000 % 60);
        digits(SECOND_OFFSET, 2, ms / 1000 % 60);
        digits(MILLI_OFFSET, 3, ms % 1000);
    }

    private void digits(int offset, int count, int number) {
        int rest = number;
        for (int i = count - 1; i >= 0; i--) {
            NativeMemory.putByte(stamp + offset + i, (byte) ('0' + rest % 10));
            rest /= 10;
        }
    }

    @Override
    public void close() {
        NativeMemory.free(stamp);
    }
}
