package org.vportd.monitor;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The words of a line that somebody has typed. A word behind the first one that begins with a double quote goes on to the
 * next one and may have spaces in it; in there, {@code \"}, {@code \\}, {@code \'}, {@code \n} and {@code \r} stand for one
 * character.
 */
final class CommandWords {
    private static final char QUOTE = '"';

    private final String line;
    private final List<String> words = new ArrayList<>();
    private int at;
    private @Nullable String fault;

    /** Splits a line. */
    CommandWords(String line) {
        this.line = line;
        while (fault == null && skipSpace()) {
            words.add(line.charAt(at) == QUOTE && !words.isEmpty() ? quoted() : plain());
        }
        if (fault != null) {
            words.remove(words.size() - 1);
        }
    }

    private CommandWords(CommandWords whole, int count) {
        this.line = whole.line;
        this.words.addAll(whole.words.subList(count, whole.words.size()));
        this.fault = whole.fault;
    }

    /** What is behind the first ones. */
    CommandWords without(int count) {
        return new CommandWords(this, count);
    }

    /** Those that can be told. */
    List<String> words() {
        return words;
    }

    /** What keeps the next word from being told, or null. */
    @Nullable
    String fault() {
        return fault;
    }

    private boolean skipSpace() {
        while (at < line.length() && isSpace(line.charAt(at))) {
            at++;
        }
        return at < line.length();
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
    }

    private String plain() {
        int start = at;
        while (at < line.length() && !isSpace(line.charAt(at))) {
            at++;
        }
        return line.substring(start, at);
    }

    private String quoted() {
        StringBuilder word = new StringBuilder();
        for (at++; at < line.length(); at++) {
            char c = line.charAt(at);
            if (c == QUOTE) {
                at++;
                return word.toString();
            }
            word.append(c == '\\' ? escaped() : c);
        }
        fault = fault == null ? "unterminated string" : fault;
        return "";
    }

    private char escaped() {
        at++;
        char c = at < line.length() ? line.charAt(at) : 0;
        return switch (c) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            case '"', '\\', '\'', 0 -> c;
            default -> {
                fault = "unsupported escape code: '\\" + c + "'";
                at = line.length();
                yield c;
            }
        };
    }
}
