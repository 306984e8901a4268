package org.vportd.chardev.console;

import java.util.Arrays;

/** A line of cells. A wide character is never left with one of its halves only. */
final class Line {
    private final int[] text;
    private final long[] renditions;

    Line(int columns) {
        text = new int[columns];
        renditions = new long[columns];
        clear(Rendition.DEFAULT);
    }

    void clear(long rendition) {
        Arrays.fill(text, ' ');
        Arrays.fill(renditions, rendition);
    }

    /** Fills columns with a character that takes one cell. */
    void fill(int from, int to, int character, long rendition) {
        mend(from, to);
        Arrays.fill(text, from, to, character);
        Arrays.fill(renditions, from, to, rendition);
    }

    /** Puts printable ASCII characters. */
    void put(int column, byte[] ascii, int offset, int count, long rendition) {
        mend(column, column + count);
        for (int i = 0; i < count; i++) {
            text[column + i] = ascii[offset + i];
        }
        Arrays.fill(renditions, column, column + count, rendition);
    }

    /** Puts one character that takes one or two cells. */
    void put(int column, int codePoint, int width, long rendition) {
        fill(column, column + width, Cell.WIDE_TAIL, rendition);
        text[column] = codePoint;
    }

    /** Blanks the other halves of wide characters that columns which are to change cut through. */
    private void mend(int from, int to) {
        if (from < to && text[from] == Cell.WIDE_TAIL) {
            text[from - 1] = ' ';
        }
        if (to < text.length && text[to] == Cell.WIDE_TAIL) {
            text[to] = ' ';
        }
    }

    /** Moves the rest of the line to the right. */
    void insert(int column, int count, long rendition) {
        if (text[column] == Cell.WIDE_TAIL) {
            text[column - 1] = ' ';
            text[column] = ' ';
        }
        int moved = text.length - column - count;
        int lost = column + moved; // the first that falls out on the right
        if (text[lost] == Cell.WIDE_TAIL) {
            text[lost - 1] = ' ';
        }
        System.arraycopy(text, column, text, column + count, moved);
        System.arraycopy(renditions, column, renditions, column + count, moved);
        Arrays.fill(text, column, column + count, ' ');
        Arrays.fill(renditions, column, column + count, rendition);
    }

    /** Moves the rest of the line to the left, over some columns. */
    void delete(int column, int count, long rendition) {
        mend(column, column + count);
        int moved = text.length - column - count;
        System.arraycopy(text, column + count, text, column, moved);
        System.arraycopy(renditions, column + count, renditions, column, moved);
        Arrays.fill(text, column + moved, text.length, ' ');
        Arrays.fill(renditions, column + moved, text.length, rendition);
    }

    int character(int column) {
        return text[column];
    }

    /** Puts another character in the place of one that takes the same cells. */
    void replace(int column, int codePoint) {
        text[column] = codePoint;
    }

    /** How many columns there are up to the last that is not blank. */
    int used() {
        int end = text.length;
        while (end > 0 && text[end - 1] == ' ' && renditions[end - 1] == Rendition.DEFAULT) {
            end--;
        }
        return end;
    }

    long rendition(int column) {
        return renditions[column];
    }

    /** Puts a cell as it was in another line. */
    void restore(int column, int character, long rendition) {
        text[column] = character;
        renditions[column] = rendition;
    }

    Cell cell(int column) {
        return Rendition.cell(text[column], renditions[column]);
    }

    /** The characters without the blanks at the end. */
    String text() {
        int end = text.length;
        while (end > 0 && text[end - 1] == ' ') {
            end--;
        }
        StringBuilder characters = new StringBuilder(end);
        for (int i = 0; i < end; i++) {
            if (text[i] != Cell.WIDE_TAIL) {
                characters.appendCodePoint(text[i]);
            }
        }
        return characters.toString();
    }
}
