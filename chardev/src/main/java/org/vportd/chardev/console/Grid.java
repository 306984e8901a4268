package org.vportd.chardev.console;

import org.jspecify.annotations.Nullable;

/** The lines of a screen, with or without a history. */
final class Grid {
    private final Line[] lines;
    private final int columns;
    private final @Nullable History history;

    Grid(int columns, int rows, @Nullable History history) {
        this.columns = columns;
        this.history = history;
        lines = new Line[rows];
        for (int i = 0; i < rows; i++) {
            lines[i] = new Line(columns);
        }
    }

    byte[] pack() {
        LineCodec codec = new LineCodec();
        for (Line line : lines) {
            codec.write(line);
        }
        return codec.bytes();
    }

    void unpack(byte[] packed) {
        LineCodec.Reader reader = LineCodec.reader(packed);
        for (int i = 0; i < lines.length && reader.hasMore(); i++) {
            lines[i] = reader.read(columns);
        }
    }

    Line line(int row) {
        return lines[row];
    }

    void clear(int fromRow, int toRow, long rendition) {
        for (int row = fromRow; row < toRow; row++) {
            lines[row].clear(rendition);
        }
    }

    /**
     * Moves lines up.
     *
     * @param top the first row that moves
     * @param bottom the row behind the last that moves
     * @param keeps whether lines that leave at the top of the screen are kept
     */
    void scrollUp(int top, int bottom, int count, long rendition, boolean keeps) {
        for (int i = Math.min(count, bottom - top); i > 0; i--) {
            Line leaving = lines[top];
            Line blank = keeps && top == 0 && history != null ? history.add(leaving) : leaving;
            System.arraycopy(lines, top + 1, lines, top, bottom - top - 1);
            if (blank == null) {
                blank = new Line(columns);
            }
            blank.clear(rendition);
            lines[bottom - 1] = blank;
        }
    }

    /** Moves lines down; what leaves is lost. */
    void scrollDown(int top, int bottom, int count, long rendition) {
        for (int i = Math.min(count, bottom - top); i > 0; i--) {
            Line leaving = lines[bottom - 1];
            System.arraycopy(lines, top, lines, top + 1, bottom - top - 1);
            leaving.clear(rendition);
            lines[top] = leaving;
        }
    }
}
