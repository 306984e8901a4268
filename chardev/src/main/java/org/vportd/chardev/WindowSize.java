package org.vportd.chardev;

/**
 * The size of a terminal's window, in characters.
 *
 * @param columns 1 to {@link #MAX}
 * @param rows 1 to {@link #MAX}
 */
public record WindowSize(int columns, int rows) {
    /** The most of either that a terminal, telnet and a virtio console can express. */
    public static final int MAX = 0xffff;

    /** Makes a size, and throws {@link IllegalArgumentException} if either number is out of range. */
    public WindowSize {
        if (!isKnown(columns, rows)) {
            throw new IllegalArgumentException("window size: columns=" + columns + " rows=" + rows);
        }
    }

    /** Whether two numbers are a size: a terminal that does not know its own says 0. */
    public static boolean isKnown(int columns, int rows) {
        return columns > 0 && columns <= MAX && rows > 0 && rows <= MAX;
    }

    /** What fits into both: the lesser number of columns, and the lesser number of rows. */
    public WindowSize within(WindowSize other) {
        return new WindowSize(Math.min(columns, other.columns), Math.min(rows, other.rows));
    }

    /** As in {@code 80x24}. */
    @Override
    public String toString() {
        return columns + "x" + rows;
    }
}
