package org.vportd.chardev.console;

import java.util.EnumSet;
import java.util.Set;

/**
 * How a character looks, packed into a {@code long}.
 *
 * <table>
 * <caption>Bits</caption>
 * <tr><th>from</th><th>count</th><th>meaning</th></tr>
 * <tr><td>0</td><td>26</td><td>foreground: 24 bits of value, then {@link #INDEXED} or {@link #RGB}, or 0 for the default</td></tr>
 * <tr><td>26</td><td>26</td><td>background, likewise</td></tr>
 * <tr><td>52</td><td>8</td><td>styles, see {@link Style#mask}</td></tr>
 * </table>
 */
final class Rendition {
    static final long DEFAULT = 0;

    static final int INDEXED = 1 << 24;
    static final int RGB = 2 << 24;

    private static final long COLOR_MASK = (1L << 26) - 1;
    private static final int BACKGROUND_SHIFT = 26;

    private Rendition() {}

    static long withForeground(long rendition, int color) {
        return (rendition & ~COLOR_MASK) | color;
    }

    static long withBackground(long rendition, int color) {
        return (rendition & ~(COLOR_MASK << BACKGROUND_SHIFT)) | ((long) color << BACKGROUND_SHIFT);
    }

    static long with(long rendition, Style style) {
        return rendition | style.mask();
    }

    static long without(long rendition, Style style) {
        return rendition & ~style.mask();
    }

    /** What an erased cell gets: the background alone. */
    static long erased(long rendition) {
        return rendition & (COLOR_MASK << BACKGROUND_SHIFT);
    }

    static Cell cell(int codePoint, long rendition) {
        Set<Style> styles = EnumSet.noneOf(Style.class);
        for (Style style : Style.values()) {
            if ((rendition & style.mask()) != 0) {
                styles.add(style);
            }
        }
        return new Cell(codePoint, color(rendition), color(rendition >> BACKGROUND_SHIFT), Set.copyOf(styles));
    }

    private static int color(long bits) {
        int value = (int) (bits & 0xffffff);
        if ((bits & RGB) != 0) {
            return Cell.RGB | value;
        }
        return (bits & INDEXED) != 0 ? value : Cell.DEFAULT_COLOR;
    }
}
