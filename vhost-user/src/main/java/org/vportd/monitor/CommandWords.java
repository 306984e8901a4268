package org.vportd.monitor;

import java.util.ArrayList;
import java.util.List;
import org.vportd.chardev.ConfigException;

/**
 * The words of a line that somebody has typed. A word that begins with a double quote goes on to the next one and may have
 * spaces in it; in there, {@code \"}, {@code \\}, {@code \'}, {@code \n} and {@code \r} stand for one character.
 */
final class CommandWords {
    private static final char QUOTE = '"';

    private final String line;
    private final List<String> words = new ArrayList<>();
    private int at;

    private CommandWords(String line) {
        this.line = line;
    }

    /** Splits a line. */
    static List<String> of(String line) throws ConfigException {
        CommandWords words = new CommandWords(line);
        while (words.skipSpace()) {
            words.words.add(line.charAt(words.at) == QUOTE ? words.quoted() : words.plain());
        }
        return words.words;
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

    private String quoted() throws ConfigException {
        StringBuilder word = new StringBuilder();
        for (at++; at < line.length(); at++) {
            char c = line.charAt(at);
            if (c == QUOTE) {
                at++;
                if (at < line.length() && !isSpace(line.charAt(at))) {
                    throw new ConfigException("space expected after a quoted word", "got '" + line.charAt(at) + "'");
                }
                return word.toString();
            }
            word.append(c == '\\' ? escaped() : c);
        }
        throw new ConfigException("unterminated string", "a word that begins with \" ends with another one");
    }

    private char escaped() throws ConfigException {
        at++;
        char c = at < line.length() ? line.charAt(at) : 0;
        return switch (c) {
            case '"', '\\', '\'' -> c;
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 0 -> throw new ConfigException("unterminated string", "it ends with a backslash");
            default ->
                throw new ConfigException("unsupported escape code: '\\" + c + "'", "there are: \\\" \\\\ \\' \\n \\r");
        };
    }
}
