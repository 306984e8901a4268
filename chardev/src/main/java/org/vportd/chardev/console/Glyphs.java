package org.vportd.chardev.console;

import java.text.Normalizer;

/** Characters that come out of others. */
final class Glyphs {
    private static final int FIRST = 0x5f;
    /** What the VT100 draws in the place of {@code _} to {@code ~}. */
    private static final String LINE_DRAWING =
            " \u25c6\u2592\u2409\u240c\u240d\u240a\u00b0\u00b1\u2424\u240b\u2518\u2510\u250c\u2514\u253c\u23ba\u23bb\u2500"
                    + "\u23bc\u23bd\u251c\u2524\u2534\u252c\u2502\u2264\u2265\u03c0\u2260\u00a3\u00b7";

    private Glyphs() {}

    /** A character as it looks in the line drawing set. */
    static int lineDrawing(int character) {
        int index = character - FIRST;
        return index >= 0 && index < LINE_DRAWING.length() ? LINE_DRAWING.charAt(index) : character;
    }

    /** A character with a combining mark, if that has a form as one character; otherwise as it is. */
    static int joined(int character, int mark) {
        if (character <= ' ') {
            return character;
        }
        String joined = Normalizer.normalize(
                new StringBuilder().appendCodePoint(character).appendCodePoint(mark), Normalizer.Form.NFC);
        return joined.codePointCount(0, joined.length()) == 1 ? joined.codePointAt(0) : character;
    }
}
