package org.vportd.monitor.line;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What a terminal shows of the bytes that are sent to it; knows as much as the editor may use, and fails at the rest. */
public final class Screen {
    private final List<List<String>> rows = new ArrayList<>();
    private int row;
    private int column;
    private int bells;

    /** Makes an empty one. */
    public Screen() {
        rows.add(new ArrayList<>());
    }

    /** Sends it bytes. */
    public Screen print(byte[] bytes) {
        return print(new String(bytes, StandardCharsets.UTF_8));
    }

    /** Sends it text. */
    public Screen print(String text) {
        int i = 0;
        while (i < text.length()) {
            int codePoint = text.codePointAt(i);
            i += Character.charCount(codePoint);
            if (codePoint == 0x1b) {
                i = sequence(text, i);
            } else {
                plain(codePoint);
            }
        }
        return this;
    }

    private void plain(int codePoint) {
        switch (codePoint) {
            case '\r' -> column = 0;
            case '\n' -> down();
            case '\b' -> column = Math.max(0, column - 1);
            case 7 -> bells++;
            default -> put(codePoint);
        }
    }

    private void down() {
        row++;
        if (row == rows.size()) {
            rows.add(new ArrayList<>());
        }
    }

    private void put(int codePoint) {
        if (codePoint < ' ' || codePoint == 0x7f) {
            throw new AssertionError("sent to a terminal: 0x" + Integer.toHexString(codePoint));
        }
        int width = Columns.of(Character.toString(codePoint));
        if (width == 0) {
            rows.get(row).set(column - 1, rows.get(row).get(column - 1) + Character.toString(codePoint));
            return;
        }
        cell(column++, Character.toString(codePoint));
        if (width == 2) {
            cell(column++, "");
        }
    }

    private void cell(int at, String content) {
        List<String> cells = rows.get(row);
        while (cells.size() <= at) {
            cells.add(" ");
        }
        cells.set(at, content);
    }

    private int sequence(String text, int start) {
        int i = start;
        if (text.charAt(i++) != '[') {
            throw new AssertionError("not a sequence: " + text.substring(start));
        }
        int number = 0;
        while (Character.isDigit(text.charAt(i))) {
            number = number * 10 + text.charAt(i++) - '0';
        }
        switch (text.charAt(i++)) {
            case 'C' -> column += number;
            case 'D' -> {
                if (number > column) {
                    throw new AssertionError("moved beyond the left edge: column=" + column + " by=" + number);
                }
                column -= number;
            }
            case 'K' -> {
                List<String> cells = rows.get(row);
                cells.subList(Math.min(column, cells.size()), cells.size()).clear();
            }
            case 'H' -> {
                row = 0;
                column = 0;
            }
            case 'J' -> rows.forEach(List::clear);
            default -> throw new AssertionError("unknown sequence: " + text.substring(start, i));
        }
        return i;
    }

    /** The row that has the cursor, with a bar where that is. */
    public String line() {
        List<String> cells = rows.get(row);
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < Math.max(cells.size(), column); i++) {
            line.append(i == column ? "|" : "").append(i < cells.size() ? cells.get(i) : " ");
        }
        return column >= cells.size() ? line.append('|').toString() : line.toString();
    }

    /** All rows, without what nobody sees at their ends. */
    public List<String> rows() {
        return rows.stream()
                .map(cells -> String.join("", cells).stripTrailing())
                .toList();
    }

    /** The widest row. */
    public int width() {
        return rows.stream().mapToInt(List::size).max().orElse(0);
    }

    /** How often it has rung. */
    public int bells() {
        return bells;
    }
}
