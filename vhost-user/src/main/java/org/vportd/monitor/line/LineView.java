package org.vportd.monitor.line;

/**
 * The line as a terminal shows it, after a prompt. Of a line that is too long for one row of the screen a part is shown,
 * so that no more than the present row has to be known of the terminal. Only what has changed is sent, which for a
 * character at the end is that character.
 */
final class LineView {
    private static final int MAX_BACKSPACES = 4;

    private final String prompt;
    private final int width;
    private final StringBuilder out;
    private boolean drawn;
    private String shown = "";
    private int shownCursor;
    private int start;

    /**
     * Makes one.
     *
     * @param columns how wide the terminal is
     * @param out where it writes to
     */
    LineView(String prompt, int columns, StringBuilder out) {
        this.prompt = prompt;
        this.width = Math.max(8, columns - Columns.of(prompt) - 1);
        this.out = out;
    }

    /** The cursor is at the start of an empty row now: everything has to be drawn anew. */
    void forget() {
        drawn = false;
        shown = "";
        shownCursor = 0;
        start = 0;
    }

    boolean isDrawn() {
        return drawn;
    }

    /** Brings the screen up to date. */
    void draw(StringBuilder text, int cursor) {
        if (!drawn) {
            out.append(prompt);
            drawn = true;
        }
        moveStart(text, cursor);
        String wanted = text.substring(start, end(text));
        int same = commonLength(shown, wanted);
        if (same < shown.length() || same < wanted.length()) {
            move(same);
            out.append(wanted, same, wanted.length());
            if (Columns.of(wanted) < Columns.of(shown)) {
                out.append("\033[K");
            }
            shown = wanted;
            shownCursor = wanted.length();
        }
        move(cursor - start);
    }

    /** Has the cursor within the part that is shown; if it has left that, it comes to the middle. */
    private void moveStart(StringBuilder text, int cursor) {
        if (Columns.of(text) <= width) {
            start = 0;
            return;
        }
        int next = cursor < text.length() ? text.offsetByCodePoints(cursor, 1) : cursor;
        if (start <= cursor && start < text.length() && Columns.of(text, start, next) <= width) {
            return;
        }
        start = cursor;
        while (start > 0 && Columns.of(text, text.offsetByCodePoints(start, -1), cursor) <= width / 2) {
            start = text.offsetByCodePoints(start, -1);
        }
    }

    private int end(StringBuilder text) {
        int columns = 0;
        int end = start;
        while (end < text.length()) {
            int next = text.offsetByCodePoints(end, 1);
            columns += Columns.of(text, end, next);
            if (columns > width) {
                return end;
            }
            end = next;
        }
        return end;
    }

    private static int commonLength(String one, String other) {
        int n = 0;
        while (n < Math.min(one.length(), other.length()) && one.charAt(n) == other.charAt(n)) {
            n++;
        }
        // not between the halves of a character
        return n > 0 && Character.isHighSurrogate(one.charAt(n - 1)) ? n - 1 : n;
    }

    private void move(int to) {
        int columns = to < shownCursor ? Columns.of(shown, to, shownCursor) : Columns.of(shown, shownCursor, to);
        if (to > shownCursor && columns > 0) {
            out.append("\033[").append(columns).append('C');
        } else if (columns > MAX_BACKSPACES) {
            out.append("\033[").append(columns).append('D');
        } else {
            out.append("\b".repeat(columns));
        }
        shownCursor = to;
    }
}
