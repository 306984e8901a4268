package org.vportd.bench.report;

import java.util.ArrayList;
import java.util.List;

/** Lays out rows in columns: the first to the left, numbers to the right. */
final class Table {
    private static final String GAP = "  ";

    private Table() {}

    static List<String> lines(List<String> headings, List<List<String>> rows) {
        int[] widths = new int[headings.size()];
        for (int i = 0; i < widths.length; i++) {
            widths[i] = headings.get(i).length();
            for (List<String> row : rows) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        boolean[] left = new boolean[widths.length];
        for (int i = 0; i < widths.length; i++) {
            int column = i;
            left[i] = rows.stream().map(row -> row.get(column)).anyMatch(Table::isText);
        }
        List<String> lines = new ArrayList<>();
        lines.add(line(headings, widths, left));
        lines.add("-".repeat(lines.get(0).length()));
        for (List<String> row : rows) {
            lines.add(line(row, widths, left));
        }
        return lines;
    }

    private static boolean isText(String cell) {
        return !cell.isEmpty() && Character.isLetter(cell.charAt(0));
    }

    private static String line(List<String> cells, int[] widths, boolean[] left) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String blanks = " ".repeat(widths[i] - cells.get(i).length());
            line.append(i == 0 ? "" : GAP).append(left[i] ? cells.get(i) + blanks : blanks + cells.get(i));
        }
        return line.toString().stripTrailing();
    }
}
