package org.vportd.monitor.line;

/**
 * Makes keys of bytes. A key is a character of UTF-8 or a control character; keys that terminals send as escape sequences
 * become the control character that means the same. Sequences may come in any number of parts; what is not understood, or
 * is not UTF-8, is left out.
 */
final class KeyDecoder {
    /** No key yet, or none that means anything. */
    static final int NONE = -1;

    static final int ENTER = '\n';
    static final int TAB = '\t';
    static final int BACKSPACE = '\b';
    static final int RUBOUT = 0x7f;
    static final int HOME = 'A' & 0x1f;
    static final int LEFT = 'B' & 0x1f;
    static final int CANCEL = 'C' & 0x1f;
    static final int DELETE = 'D' & 0x1f;
    static final int END = 'E' & 0x1f;
    static final int RIGHT = 'F' & 0x1f;
    static final int DELETE_TO_END = 'K' & 0x1f;
    static final int CLEAR_SCREEN = 'L' & 0x1f;
    static final int DOWN = 'N' & 0x1f;
    static final int UP = 'P' & 0x1f;
    static final int DELETE_TO_START = 'U' & 0x1f;
    static final int DELETE_WORD_BEFORE = 'W' & 0x1f;
    // no character has these numbers
    static final int WORD_LEFT = Character.MAX_CODE_POINT + 1;
    static final int WORD_RIGHT = Character.MAX_CODE_POINT + 2;
    static final int WORD_DELETE = Character.MAX_CODE_POINT + 3;

    private static final int ESCAPE = 0x1b;
    private static final int MAX_PARAMETER = 1000;

    private enum State {
        GROUND,
        ESCAPED,
        /** After {@code ESC [}. */
        SEQUENCE,
        /** After {@code ESC O}. */
        SINGLE
    }

    private State state = State.GROUND;
    private int parameter;
    private boolean modified;
    private boolean afterReturn;
    private int missing;
    private int codePoint;
    private int minCodePoint;

    /** Forgets what has begun. */
    void reset() {
        state = State.GROUND;
        missing = 0;
        afterReturn = false;
    }

    /** The key that a byte completes, or {@link #NONE}. */
    int accept(byte input) {
        int value = input & 0xff;
        if (value < 0x20 && value != ESCAPE) {
            state = State.GROUND; // a lone escape, or a sequence that was cut short, must not swallow the end of a line
        }
        return switch (state) {
            case GROUND -> ground(value);
            case ESCAPED -> escaped(value);
            case SEQUENCE -> sequence(value);
            case SINGLE -> {
                state = State.GROUND;
                yield cursorKey(value);
            }
        };
    }

    private int ground(int value) {
        boolean followsReturn = afterReturn;
        afterReturn = value == '\r';
        if (value >= 0x80) {
            return utf8(value);
        }
        missing = 0;
        switch (value) {
            case 0 -> {
                return NONE;
            }
            case '\n' -> {
                return followsReturn ? NONE : ENTER;
            }
            case '\r' -> {
                return ENTER;
            }
            case ESCAPE -> {
                state = State.ESCAPED;
                return NONE;
            }
            default -> {
                return value;
            }
        }
    }

    private int utf8(int value) {
        if (value >= 0xc0) {
            missing = value >= 0xf0 ? 3 : value >= 0xe0 ? 2 : 1;
            codePoint = value & (0x3f >> missing);
            minCodePoint = missing == 3 ? 0x10000 : missing == 2 ? 0x800 : 0x80;
            return NONE;
        }
        if (missing == 0) {
            return NONE;
        }
        codePoint = (codePoint << 6) | (value & 0x3f);
        missing--;
        boolean isCharacter = codePoint >= minCodePoint
                && codePoint <= Character.MAX_CODE_POINT
                && (codePoint < Character.MIN_SURROGATE || codePoint > Character.MAX_SURROGATE)
                && !Character.isISOControl(codePoint);
        return missing == 0 && isCharacter ? codePoint : NONE;
    }

    private int escaped(int value) {
        state = State.GROUND;
        switch (value) {
            case '[' -> {
                state = State.SEQUENCE;
                parameter = 0;
                modified = false;
                return NONE;
            }
            case 'O' -> {
                state = State.SINGLE;
                modified = false;
                return NONE;
            }
            case ESCAPE -> {
                state = State.ESCAPED;
                return NONE;
            }
            case 'b', 'B' -> {
                return WORD_LEFT;
            }
            case 'f', 'F' -> {
                return WORD_RIGHT;
            }
            case 'd', 'D' -> {
                return WORD_DELETE;
            }
            default -> {
                return NONE;
            }
        }
    }

    private int sequence(int value) {
        if (value == ESCAPE) {
            state = State.ESCAPED;
            return NONE;
        }
        if (value >= '0' && value <= '9' && !modified) {
            parameter = Math.min(MAX_PARAMETER, parameter * 10 + value - '0');
            return NONE;
        }
        if (value < 0x40) {
            modified |= value == ';';
            return NONE;
        }
        state = State.GROUND;
        return value == '~' ? numberedKey() : cursorKey(value);
    }

    private int cursorKey(int value) {
        return switch (value) {
            case 'A' -> UP;
            case 'B' -> DOWN;
            case 'C' -> modified ? WORD_RIGHT : RIGHT;
            case 'D' -> modified ? WORD_LEFT : LEFT;
            case 'H' -> HOME;
            case 'F' -> END;
            default -> NONE;
        };
    }

    private int numberedKey() {
        return switch (parameter) {
            case 1, 7 -> HOME;
            case 4, 8 -> END;
            case 3 -> DELETE;
            default -> NONE;
        };
    }
}
