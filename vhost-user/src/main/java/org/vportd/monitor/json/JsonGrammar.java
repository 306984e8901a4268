package org.vportd.monitor.json;

import org.jspecify.annotations.Nullable;

/** Follows the tokens of one value, and says what is wrong with the first that cannot come where it comes. */
final class JsonGrammar {
    /** The kinds of token. */
    enum Token {
        OPEN_OBJECT,
        CLOSE_OBJECT,
        OPEN_ARRAY,
        CLOSE_ARRAY,
        COLON,
        COMMA,
        STRING,
        NUMBER,
        KEYWORD,
        UNKNOWN_KEYWORD;

        boolean opens() {
            return this == OPEN_OBJECT || this == OPEN_ARRAY;
        }

        boolean closes() {
            return this == CLOSE_OBJECT || this == CLOSE_ARRAY;
        }

        boolean beginsValue() {
            return !closes() && this != COLON && this != COMMA;
        }
    }

    /** What may come next. */
    private enum Place {
        VALUE,
        VALUE_OR_END,
        KEY,
        KEY_OR_END,
        COLON,
        SEPARATOR
    }

    static final int MAX_DEPTH = 1024;
    static final String EXPECTING_VALUE = "expecting value";

    private final boolean[] isObject = new boolean[MAX_DEPTH];
    private int depth;
    private Place place = Place.VALUE;

    void reset() {
        depth = 0;
        place = Place.VALUE;
    }

    /** How many objects and arrays are open. */
    int depth() {
        return depth;
    }

    /** Whether a closing token ends the innermost object or array. */
    boolean isEnd(Token token) {
        return depth > 0 && isObject[depth - 1] == (token == Token.CLOSE_OBJECT);
    }

    /**
     * Takes the next token. An opening one must not go beyond {@link #MAX_DEPTH}.
     *
     * @return what is wrong with it; null if it is right. After a fault, only {@link #reset} helps
     */
    @Nullable
    String accept(Token token) {
        String fault = switch (place) {
            case VALUE, VALUE_OR_END -> checkValue(token);
            case KEY, KEY_OR_END -> checkKey(token);
            case COLON -> token == Token.COLON ? null : "missing : in object pair";
            case SEPARATOR -> checkSeparator(token);
        };
        if (fault == null) {
            advance(token);
        }
        return fault;
    }

    private @Nullable String checkValue(Token token) {
        boolean fits = token.beginsValue() || (place == Place.VALUE_OR_END && token == Token.CLOSE_ARRAY);
        return fits ? null : EXPECTING_VALUE;
    }

    private @Nullable String checkKey(Token token) {
        if (token == Token.STRING || (place == Place.KEY_OR_END && token == Token.CLOSE_OBJECT)) {
            return null;
        }
        return token.beginsValue() ? "key is not a string in object" : EXPECTING_VALUE;
    }

    private @Nullable String checkSeparator(Token token) {
        boolean inObject = isObject[depth - 1];
        if (token == Token.COMMA || token == (inObject ? Token.CLOSE_OBJECT : Token.CLOSE_ARRAY)) {
            return null;
        }
        return inObject ? "expected separator in dict" : "expected separator in list";
    }

    private void advance(Token token) {
        if (token.opens()) {
            isObject[depth++] = token == Token.OPEN_OBJECT;
            place = token == Token.OPEN_OBJECT ? Place.KEY_OR_END : Place.VALUE_OR_END;
        } else if (token.closes()) {
            depth--;
            place = Place.SEPARATOR;
        } else if (token == Token.COLON) {
            place = Place.VALUE;
        } else if (token == Token.COMMA) {
            place = isObject[depth - 1] ? Place.KEY : Place.VALUE;
        } else if (place == Place.KEY || place == Place.KEY_OR_END) {
            place = Place.COLON;
        } else {
            place = Place.SEPARATOR;
        }
    }
}
