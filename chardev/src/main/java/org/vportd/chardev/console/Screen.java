package org.vportd.chardev.console;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.vportd.handover.Parcel;

/**
 * The state of a terminal: its cells, its cursor and its modes, with an operation for each thing that can be done to them.
 * Rows and columns count from 0; every argument is brought into range. One class, since nearly every operation works on the
 * cursor, the margins and the cells at once.
 */
final class Screen {
    private static final int TAB = 8;

    private final int columns;
    private final int rows;
    private final History history;
    private final Grid main;
    private final Grid alternate;
    private final BitSet tabs = new BitSet();
    private final SavedCursor[] saved = {new SavedCursor(), new SavedCursor()};
    private Grid grid;
    private int column;
    private int row;
    private int top;
    private int bottom;
    private boolean wrapPending;
    private long rendition;
    private int charset;
    private final boolean[] graphics = new boolean[2];
    private int lastCharacter;

    private boolean insertMode;
    private boolean newLineMode;
    private boolean originMode;
    private boolean autoWrap = true;
    private boolean cursorVisible = true;
    private boolean applicationCursorKeys;

    /** A mode that a program switches on and off. */
    enum Mode {
        INSERT,
        NEW_LINE,
        ORIGIN,
        AUTO_WRAP,
        CURSOR_VISIBLE,
        APPLICATION_CURSOR_KEYS
    }

    Screen(int columns, int rows, int historyLines) {
        this.columns = columns;
        this.rows = rows;
        this.history = new History(historyLines);
        this.main = new Grid(columns, rows, history);
        this.alternate = new Grid(columns, rows, null);
        this.grid = main;
        reset();
    }

    /** Everything as at first, but the history stays. */
    void reset() {
        softReset();
        grid = main;
        main.clear(0, rows, Rendition.DEFAULT);
        alternate.clear(0, rows, Rendition.DEFAULT);
        newLineMode = false;
        lastCharacter = 0;
        tabs.clear();
        for (int i = TAB; i < columns; i += TAB) {
            tabs.set(i);
        }
        moveTo(0, 0);
        save();
        saved[1] = new SavedCursor();
    }

    /** The modes as at first; cells and cursor stay. */
    void softReset() {
        insertMode = false;
        originMode = false;
        autoWrap = true;
        cursorVisible = true;
        applicationCursorKeys = false;
        top = 0;
        bottom = rows;
        rendition = Rendition.DEFAULT;
        charset = 0;
        graphics[0] = false;
        graphics[1] = false;
        wrapPending = false;
    }

    // Characters

    /** Puts printable ASCII characters at the cursor. */
    void print(byte[] ascii, int from, int to) {
        if (graphics[charset]) {
            for (int i = from; i < to; i++) {
                print(ascii[i]);
            }
            return;
        }
        int next = from;
        while (next < to) {
            wrapIfPending();
            int count = Math.min(to - next, columns - column);
            Line line = grid.line(row);
            if (insertMode) {
                line.insert(column, count, Rendition.erased(rendition));
            }
            line.put(column, ascii, next, count, rendition);
            next += count;
            advance(count);
            if (next < to && column == columns - 1 && !autoWrap) {
                next = to - 1; // all others would be overwritten at the right margin
            }
        }
        lastCharacter = ascii[to - 1];
    }

    /** Puts one character at the cursor. */
    void print(int codePoint) {
        int character = graphics[charset] ? Glyphs.lineDrawing(codePoint) : codePoint;
        int width = CharacterWidth.of(character);
        if (width == 0) {
            combine(character);
            return;
        }
        if (width > columns) {
            character = '\ufffd';
            width = 1;
        }
        wrapIfPending();
        if (column + width > columns) { // a wide one does not fit into the last column
            if (autoWrap) {
                wrap();
            } else {
                column = columns - width;
            }
        }
        Line line = grid.line(row);
        if (insertMode) {
            line.insert(column, width, Rendition.erased(rendition));
        }
        line.put(column, character, width, rendition);
        lastCharacter = codePoint;
        advance(width);
    }

    /** Joins a mark with the character before the cursor, if the two have a form as one character; drops it otherwise. */
    private void combine(int mark) {
        int before = wrapPending ? column : column - 1;
        if (before < 0) {
            return;
        }
        Line line = grid.line(row);
        line.replace(before, Glyphs.joined(line.character(before), mark));
    }

    /** Prints the last character again, if there was one. */
    void repeat(int count) {
        for (int i = lastCharacter == 0 ? 0 : Math.min(count, columns * rows); i > 0; i--) {
            print(lastCharacter);
        }
    }

    private void advance(int count) {
        column += count;
        if (column >= columns) {
            column = columns - 1;
            wrapPending = autoWrap;
        }
    }

    private void wrapIfPending() {
        if (wrapPending) {
            wrap();
        }
    }

    private void wrap() {
        column = 0;
        index();
    }

    // Cursor

    /** To the next row; at the bottom margin, the lines move up. */
    void index() {
        wrapPending = false;
        if (row == bottom - 1) {
            grid.scrollUp(top, bottom, 1, Rendition.erased(rendition), true);
        } else if (row < rows - 1) {
            row++;
        }
    }

    /** To the row before; at the top margin, the lines move down. */
    void reverseIndex() {
        wrapPending = false;
        if (row == top) {
            grid.scrollDown(top, bottom, 1, Rendition.erased(rendition));
        } else if (row > 0) {
            row--;
        }
    }

    void lineFeed() {
        index();
        if (newLineMode) {
            column = 0;
        }
    }

    void carriageReturn() {
        wrapPending = false;
        column = 0;
    }

    void backspace() {
        moveColumn(column - 1);
    }

    void tab(int count) {
        for (int i = Math.min(count, columns); i > 0; i--) {
            int next = tabs.nextSetBit(column + 1);
            moveColumn(next < 0 ? columns - 1 : next);
        }
    }

    void backTab(int count) {
        for (int i = Math.min(count, columns); i > 0 && column > 0; i--) {
            moveColumn(Math.max(0, tabs.previousSetBit(column - 1)));
        }
    }

    void setTab() {
        tabs.set(column);
    }

    void clearTab() {
        tabs.clear(column);
    }

    void clearTabs() {
        tabs.clear();
    }

    /** Up within the margins, or to the edge of the screen from outside of them. */
    void up(int count) {
        int limit = row >= top ? top : 0;
        moveRow(Math.max(limit, row - count));
    }

    void down(int count) {
        int limit = row < bottom ? bottom - 1 : rows - 1;
        moveRow(Math.min(limit, row + count));
    }

    void right(int count) {
        moveColumn(column + count);
    }

    void left(int count) {
        moveColumn(column - count);
    }

    void moveColumn(int to) {
        wrapPending = false;
        column = Math.max(0, Math.min(columns - 1, to));
    }

    private void moveRow(int to) {
        wrapPending = false;
        row = Math.max(0, Math.min(rows - 1, to));
    }

    /** To a row that counts from the top margin in origin mode. */
    void moveToRow(int to) {
        moveRow(originMode ? Math.min(bottom - 1, top + to) : to);
    }

    void moveTo(int toRow, int toColumn) {
        moveToRow(toRow);
        moveColumn(toColumn);
    }

    void save() {
        saveTo(saved[grid == main ? 0 : 1]);
    }

    private void saveTo(SavedCursor to) {
        to.column = column;
        to.row = row;
        to.rendition = rendition;
        to.charset = charset;
        System.arraycopy(graphics, 0, to.graphics, 0, graphics.length);
        to.originMode = originMode;
        to.wrapPending = wrapPending;
    }

    void restore() {
        restoreFrom(saved[grid == main ? 0 : 1]);
    }

    private void restoreFrom(SavedCursor from) {
        column = from.column;
        row = from.row;
        rendition = from.rendition;
        charset = from.charset;
        System.arraycopy(from.graphics, 0, graphics, 0, graphics.length);
        originMode = from.originMode;
        wrapPending = from.wrapPending;
    }

    /** Sets the rows that scroll, and goes home; nothing happens if there is not more than one. */
    void setMargins(int first, int behindLast) {
        int end = Math.min(rows, behindLast);
        if (first + 1 < end) {
            top = first;
            bottom = end;
            moveTo(0, 0);
        }
    }

    // Cells

    void eraseInLine(int from, int to) {
        wrapPending = false;
        int end = Math.min(columns, to);
        if (from < end) {
            grid.line(row).fill(from, end, ' ', Rendition.erased(rendition));
        }
    }

    void eraseToEnd() {
        eraseInLine(column, columns);
        grid.clear(row + 1, rows, Rendition.erased(rendition));
    }

    void eraseFromStart() {
        grid.clear(0, row, Rendition.erased(rendition));
        eraseInLine(0, column + 1);
    }

    void eraseAll() {
        wrapPending = false;
        grid.clear(0, rows, Rendition.erased(rendition));
    }

    void clearHistory() {
        history.clear();
    }

    void insertCharacters(int count) {
        wrapPending = false;
        grid.line(row).insert(column, Math.min(count, columns - column), Rendition.erased(rendition));
    }

    void deleteCharacters(int count) {
        wrapPending = false;
        grid.line(row).delete(column, Math.min(count, columns - column), Rendition.erased(rendition));
    }

    void insertLines(int count) {
        if (row >= top && row < bottom) {
            grid.scrollDown(row, bottom, count, Rendition.erased(rendition));
            carriageReturn();
        }
    }

    void deleteLines(int count) {
        if (row >= top && row < bottom) {
            grid.scrollUp(row, bottom, count, Rendition.erased(rendition), false);
            carriageReturn();
        }
    }

    void scrollUp(int count) {
        grid.scrollUp(top, bottom, count, Rendition.erased(rendition), true);
    }

    void scrollDown(int count) {
        grid.scrollDown(top, bottom, count, Rendition.erased(rendition));
    }

    /** Fills the screen with a character, to adjust a display by. */
    void fill(int character) {
        softReset();
        for (int i = 0; i < rows; i++) {
            grid.line(i).fill(0, columns, character, Rendition.DEFAULT);
        }
        moveTo(0, 0);
    }

    // Modes

    void set(Mode mode, boolean on) {
        switch (mode) {
            case INSERT -> insertMode = on;
            case NEW_LINE -> newLineMode = on;
            case ORIGIN -> {
                originMode = on;
                moveTo(0, 0);
            }
            case AUTO_WRAP -> {
                autoWrap = on;
                wrapPending &= on;
            }
            case CURSOR_VISIBLE -> cursorVisible = on;
            case APPLICATION_CURSOR_KEYS -> applicationCursorKeys = on;
        }
    }

    void useAlternate(boolean on, boolean clears) {
        grid = on ? alternate : main;
        if (on && clears) {
            alternate.clear(0, rows, Rendition.erased(rendition));
        }
        wrapPending = false;
    }

    boolean isAlternate() {
        return grid == alternate;
    }

    void designate(int set, boolean isGraphics) {
        graphics[set] = isGraphics;
    }

    void shift(int set) {
        charset = set;
    }

    long rendition() {
        return rendition;
    }

    void setRendition(long to) {
        rendition = to;
    }

    // Handover

    Parcel pack() {
        SavedCursor cursor = new SavedCursor();
        saveTo(cursor);
        return new Parcel()
                .put("main", main.pack())
                .put("alternate", alternate.pack())
                .put("history", history.pack())
                .put("isAlternate", isAlternate())
                .put("tabs", tabs.toByteArray())
                .put("cursor", cursor.pack())
                .put("saved0", saved[0].pack())
                .put("saved1", saved[1].pack())
                .put("top", top)
                .put("bottom", bottom)
                .put("lastCharacter", lastCharacter)
                .put("insertMode", insertMode)
                .put("newLineMode", newLineMode)
                .put("noWrap", !autoWrap)
                .put("cursorHidden", !cursorVisible)
                .put("applicationCursorKeys", applicationCursorKeys);
    }

    void unpack(Parcel from) {
        main.unpack(from.bytes("main"));
        alternate.unpack(from.bytes("alternate"));
        history.unpack(from.bytes("history"), columns);
        grid = from.flag("isAlternate") ? alternate : main;
        tabs.clear();
        tabs.or(BitSet.valueOf(from.bytes("tabs")));
        SavedCursor cursor = new SavedCursor();
        cursor.unpack(from.parcel("cursor"));
        restoreFrom(cursor);
        saved[0].unpack(from.parcel("saved0"));
        saved[1].unpack(from.parcel("saved1"));
        top = (int) from.number("top", 0);
        bottom = (int) from.number("bottom", rows);
        lastCharacter = (int) from.number("lastCharacter", 0);
        insertMode = from.flag("insertMode");
        newLineMode = from.flag("newLineMode");
        autoWrap = !from.flag("noWrap");
        cursorVisible = !from.flag("cursorHidden");
        applicationCursorKeys = from.flag("applicationCursorKeys");
    }

    // What is seen

    int columns() {
        return columns;
    }

    int rows() {
        return rows;
    }

    int column() {
        return column;
    }

    /** The cursor's row as the program counts it. */
    int reportedRow() {
        return originMode ? Math.max(0, row - top) : row;
    }

    Cell cell(int atRow, int atColumn) {
        return grid.line(atRow).cell(atColumn);
    }

    int historySize() {
        return history.size();
    }

    List<String> history(int lines) {
        return history.newest(lines);
    }

    ScreenView view() {
        List<String> lines = new ArrayList<>(rows);
        for (int i = 0; i < rows; i++) {
            lines.add(grid.line(i).text());
        }
        return new ScreenView(
                List.copyOf(lines), columns, rows, row, column, cursorVisible, isAlternate(), applicationCursorKeys);
    }
}
