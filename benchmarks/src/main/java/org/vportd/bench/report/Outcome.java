package org.vportd.bench.report;

import java.util.ArrayList;
import java.util.List;

/** What one scenario has come to: rows of tables, and the numbers in them. */
public final class Outcome {
    private final List<Row> rows = new ArrayList<>();
    private final List<Figure> figures = new ArrayList<>();

    /**
     * A row of a table.
     *
     * @param section the table
     * @param cells as many as it has columns
     */
    public record Row(Section section, List<String> cells) {
        /** Checks the number of cells. */
        public Row {
            cells = List.copyOf(cells);
            if (cells.size() != section.headings().size()) {
                throw new IllegalArgumentException("wrong number of cells: section=" + section + " cells=" + cells);
            }
        }
    }

    /** Adds a row. */
    public void addRow(Section section, String... cells) {
        rows.add(new Row(section, List.of(cells)));
    }

    /** Adds a number and answers it. */
    public Figure add(Figure figure) {
        figures.add(figure);
        return figure;
    }

    /** The rows, in order. */
    public List<Row> rows() {
        return List.copyOf(rows);
    }

    /** The numbers, in order. */
    public List<Figure> figures() {
        return List.copyOf(figures);
    }
}
