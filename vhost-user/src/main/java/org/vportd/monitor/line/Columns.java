package org.vportd.monitor.line;

/** How wide characters are on a terminal. */
final class Columns {
    private static final int FIRST_MARK = 0x300;

    /** The first and the last of each range that takes two columns: East Asian scripts, full-width forms, pictures. */
    private static final int[] WIDE = {
        0x1100, 0x115f, 0x2e80, 0x303e, 0x3040, 0xa4cf, 0xac00, 0xd7a3, 0xf900, 0xfaff, 0xfe30, 0xfe6f, 0xff00, 0xff60,
        0xffe0, 0xffe6, 0x1f300, 0x1f64f, 0x1f900, 0x1f9ff, 0x20000, 0x3fffd
    };

    private Columns() {}

    /** The width of a part of a text. */
    static int of(CharSequence text, int start, int end) {
        int columns = 0;
        int i = start;
        while (i < end) {
            int codePoint = Character.codePointAt(text, i);
            columns += of(codePoint);
            i += Character.charCount(codePoint);
        }
        return columns;
    }

    /** The width of a text. */
    static int of(CharSequence text) {
        return of(text, 0, text.length());
    }

    private static int of(int codePoint) {
        if (codePoint < FIRST_MARK) {
            return 1;
        }
        return switch (Character.getType(codePoint)) {
            case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.FORMAT -> 0;
            default -> isWide(codePoint) ? 2 : 1;
        };
    }

    private static boolean isWide(int codePoint) {
        for (int i = 0; i < WIDE.length; i += 2) {
            if (codePoint >= WIDE[i] && codePoint <= WIDE[i + 1]) {
                return true;
            }
        }
        return false;
    }
}
