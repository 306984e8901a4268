package org.vportd.chardev.console;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import org.vportd.handover.Parcel;

/** The numbers of a control sequence; those beyond {@link #MAX} are dropped, large ones are cut off. */
final class Parameters {
    static final int MAX = 32;

    private static final int LIMIT = 65_535;

    private final int[] values = new int[MAX];
    private int count;
    /** Bit by bit, which numbers belong to the one before them, as they come after a colon. */
    private int joined;

    void clear() {
        count = 0;
        joined = 0;
        values[0] = 0;
    }

    void digit(int digit) {
        if (count == 0) {
            count = 1;
        }
        if (count <= MAX) {
            values[count - 1] = Math.min(LIMIT, values[count - 1] * 10 + digit);
        }
    }

    /** Begins the next number. */
    void separate(boolean colon) {
        count = Math.min(MAX + 1, Math.max(1, count) + 1);
        if (count <= MAX) {
            values[count - 1] = 0;
            joined |= colon ? 1 << (count - 1) : 0;
        }
    }

    Parcel pack() {
        ByteBuffer numbers = ByteBuffer.allocate(MAX * Integer.BYTES);
        numbers.asIntBuffer().put(values);
        return new Parcel().put("numbers", numbers.array()).put("count", count).put("joined", joined);
    }

    void unpack(Parcel from) {
        IntBuffer numbers = ByteBuffer.wrap(from.bytes("numbers")).asIntBuffer();
        numbers.get(values, 0, Math.min(MAX, numbers.remaining()));
        count = (int) Math.min(MAX + 1, from.number("count", 0));
        joined = (int) from.number("joined", 0);
    }

    int size() {
        return Math.min(count, MAX);
    }

    /** A number, 0 if it is missing. */
    int get(int index) {
        return index < size() ? values[index] : 0;
    }

    /** A number, at least 1: how often, or where. */
    int count(int index) {
        return Math.max(1, get(index));
    }

    boolean isJoined(int index) {
        return index < size() && (joined & (1 << index)) != 0;
    }
}
