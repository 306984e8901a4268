package org.vportd.chardev.console;

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
