package org.vportd.monitor.line;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The lines that were entered, and where in them the user is. */
final class LineHistory {
    static final int CAPACITY = 100;

    private final List<String> lines = new ArrayList<>();
    private int position;
    private String unfinished = "";

    /** Adds a line at the end, or moves it there. */
    void add(String line) {
        if (!line.isBlank()) {
            lines.remove(line);
            if (lines.size() == CAPACITY) {
                lines.remove(0);
            }
            lines.add(line);
        }
        rewind();
    }

    /** Goes back to the line that is being typed. */
    void rewind() {
        position = lines.size();
        unfinished = "";
    }

    /** The line before, or null. */
    @Nullable
    String previous(String present) {
        if (position == 0) {
            return null;
        }
        if (position == lines.size()) {
            unfinished = present;
        }
        position--;
        return lines.get(position);
    }

    /** The line after, at last the one that is being typed, or null. */
    @Nullable
    String next() {
        if (position == lines.size()) {
            return null;
        }
        position++;
        return position == lines.size() ? unfinished : lines.get(position);
    }
}
