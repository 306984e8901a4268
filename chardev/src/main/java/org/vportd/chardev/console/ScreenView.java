package org.vportd.chardev.console;

import java.util.List;

/**
 * What a console shows at one time.
 *
 * @param lines the text of each row, without the blanks at its end
 * @param columns the width
 * @param rows the height, as many as there are lines
 * @param cursorRow where the cursor is, from 0
 * @param cursorColumn where the cursor is, from 0
 * @param cursorVisible whether the program shows it
 * @param alternate whether this is the screen that full-screen programs use, which has no history
 * @param applicationCursorKeys whether the program wants the arrow keys as {@code ESC O A} rather than {@code ESC [ A}
 */
public record ScreenView(
        List<String> lines,
        int columns,
        int rows,
        int cursorRow,
        int cursorColumn,
        boolean cursorVisible,
        boolean alternate,
        boolean applicationCursorKeys) {
    /** All lines, each with a line end, without the empty ones at the end. */
    public String text() {
        int end = lines.size();
        while (end > 0 && lines.get(end - 1).isEmpty()) {
            end--;
        }
        StringBuilder text = new StringBuilder();
        lines.subList(0, end).forEach(line -> text.append(line).append('\n'));
        return text.toString();
    }
}
