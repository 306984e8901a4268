package org.vportd.monitor.line;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Has a line typed on a terminal, with the keys that people know from shells: bytes in, bytes out. To a program that sends
 * whole lines it is an echo. The line, what is remembered of earlier ones and what is kept to be sent have limits.
 */
public final class LineEditor {
    /** The most characters of a line. */
    public static final int MAX_LENGTH = 4096;

    private static final int USUAL_COLUMNS = 80;
    private static final int MAX_LISTED = 200;
    private static final String BELL = "\007";
    private static final String NEW_LINE = "\r\n";

    private final Completer completer;
    private final int columns;
    private final KeyDecoder keys = new KeyDecoder();
    private final LineHistory history = new LineHistory();
    private final StringBuilder text = new StringBuilder();
    private final StringBuilder out = new StringBuilder();
    private final LineView view;
    private int cursor;
    private boolean overflowed;

    /**
     * What was entered.
     *
     * @param isTooLong whether there was more than fits; what is missing may change the meaning
     */
    public record Entry(String text, boolean isTooLong) {}

    /** Makes one that has shown nothing yet. */
    public LineEditor(String prompt, Completer completer) {
        this(prompt, USUAL_COLUMNS, completer);
    }

    /**
     * Makes one for a terminal of a certain width.
     *
     * @param columns at least 10 more than the prompt has
     */
    public LineEditor(String prompt, int columns, Completer completer) {
        this.completer = completer;
        this.columns = columns;
        this.view = new LineView(prompt, columns, out);
    }

    /** The line as it is. */
    public String text() {
        return text.toString();
    }

    /** How many characters are before the cursor. */
    public int cursor() {
        return text.codePointCount(0, cursor);
    }

    /** Whether the terminal's cursor is in a row that has the prompt. */
    public boolean isShown() {
        return view.isDrawn();
    }

    /**
     * Takes a byte. What it changes is sent with the next {@link #show}, or with the end of the line.
     *
     * @return the line if it ends with this byte; the cursor is in an empty row then
     */
    public @Nullable Entry accept(byte input) {
        int key = keys.accept(input);
        if (key == KeyDecoder.ENTER) {
            return enter();
        }
        if (key != KeyDecoder.NONE) {
            edit(key);
        }
        return null;
    }

    /** Has the terminal show the prompt and the line as they are. */
    public void show() {
        view.draw(text, cursor);
    }

    /** The cursor is in an empty row: prompt and line are sent again with the next {@link #show}. */
    public void restart() {
        view.forget();
    }

    /** Forgets the line, keeping earlier ones: whoever typed it has left. */
    public void reset() {
        keys.reset();
        history.rewind();
        view.forget();
        out.setLength(0);
        setText("");
    }

    /** How many characters are to be sent. */
    public int outputLength() {
        return out.length();
    }

    /** Takes what is to be sent. */
    public byte[] takeOutput() {
        byte[] bytes = out.toString().getBytes(StandardCharsets.UTF_8);
        out.setLength(0);
        return bytes;
    }

    private Entry enter() {
        leaveRow("");
        Entry entry = new Entry(text(), overflowed);
        if (!overflowed) {
            history.add(entry.text());
        }
        history.rewind();
        setText("");
        return entry;
    }

    /** Goes on in an empty row, leaving the line to be read where it is. */
    private void leaveRow(String last) {
        view.draw(text, text.length());
        out.append(last).append(NEW_LINE);
        view.forget();
    }

    private void edit(int key) {
        if (key >= ' ' && key != KeyDecoder.RUBOUT && key <= Character.MAX_CODE_POINT) {
            insert(key);
            return;
        }
        switch (key) {
            case KeyDecoder.HOME -> cursor = 0;
            case KeyDecoder.END -> cursor = text.length();
            case KeyDecoder.LEFT -> cursor = before();
            case KeyDecoder.RIGHT -> cursor = after();
            case KeyDecoder.WORD_LEFT -> cursor = wordStart();
            case KeyDecoder.WORD_RIGHT -> cursor = wordEnd();
            case KeyDecoder.BACKSPACE, KeyDecoder.RUBOUT -> delete(before(), cursor);
            case KeyDecoder.DELETE -> delete(cursor, after());
            case KeyDecoder.DELETE_TO_START -> delete(0, cursor);
            case KeyDecoder.DELETE_TO_END -> delete(cursor, text.length());
            case KeyDecoder.DELETE_WORD_BEFORE -> delete(wordStart(), cursor);
            case KeyDecoder.WORD_DELETE -> delete(cursor, wordEnd());
            case KeyDecoder.UP -> replace(history.previous(text()));
            case KeyDecoder.DOWN -> replace(history.next());
            case KeyDecoder.TAB -> complete();
            case KeyDecoder.CANCEL -> cancel();
            case KeyDecoder.CLEAR_SCREEN -> clearScreen();
            default -> {} // no key of ours
        }
    }

    private void cancel() {
        leaveRow("^C");
        history.rewind();
        setText("");
    }

    private void clearScreen() {
        out.append("\033[H\033[2J");
        view.forget();
    }

    // --- changes

    private void insert(int codePoint) {
        if (text.length() + Character.charCount(codePoint) > MAX_LENGTH) {
            if (!overflowed) {
                out.append(BELL);
            }
            overflowed = true;
            return;
        }
        text.insert(cursor, Character.toChars(codePoint));
        cursor += Character.charCount(codePoint);
    }

    private void delete(int from, int to) {
        if (from < to) {
            text.delete(from, to);
            cursor = from;
            overflowed = false; // whoever edits has heard the bell
        }
    }

    private void replace(@Nullable String line) {
        if (line != null) {
            setText(line);
        }
    }

    private void setText(String line) {
        text.setLength(0);
        text.append(line);
        cursor = line.length();
        overflowed = false;
    }

    // --- places

    private int before() {
        return cursor == 0 ? 0 : text.offsetByCodePoints(cursor, -1);
    }

    private int after() {
        return cursor == text.length() ? cursor : text.offsetByCodePoints(cursor, 1);
    }

    private int wordStart() {
        int at = cursor;
        while (at > 0 && text.charAt(at - 1) == ' ') {
            at--;
        }
        while (at > 0 && text.charAt(at - 1) != ' ') {
            at--;
        }
        return at;
    }

    private int wordEnd() {
        int at = cursor;
        while (at < text.length() && text.charAt(at) == ' ') {
            at++;
        }
        while (at < text.length() && text.charAt(at) != ' ') {
            at++;
        }
        return at;
    }

    // --- completion

    private void complete() {
        Completion completion = completer.complete(text.substring(0, cursor));
        List<String> candidates = completion.candidates();
        if (candidates.isEmpty()) {
            out.append(BELL);
            return;
        }
        String common = completion.commonStart();
        if (candidates.size() == 1 && !common.endsWith("=") && !common.endsWith(",")) {
            common += " ";
        }
        int begun = cursor - completion.start();
        if (common.length() > begun) {
            common.substring(begun).codePoints().forEach(this::insert);
        } else if (candidates.size() > 1) {
            list(candidates);
        }
    }

    private void list(List<String> candidates) {
        leaveRow("");
        List<String> listed = candidates.subList(0, Math.min(MAX_LISTED, candidates.size()));
        int cell = 2 + listed.stream().mapToInt(Columns::of).max().orElse(0);
        int perRow = Math.max(1, columns / cell);
        for (int i = 0; i < listed.size(); i++) {
            String word = listed.get(i);
            boolean isLast = i % perRow == perRow - 1 || i == listed.size() - 1;
            out.append(word).append(isLast ? NEW_LINE : " ".repeat(cell - Columns.of(word)));
        }
        if (listed.size() < candidates.size()) {
            out.append("... and ")
                    .append(candidates.size() - listed.size())
                    .append(" more")
                    .append(NEW_LINE);
        }
    }
}
