package org.vportd.chardev.console;

import java.util.Set;

/**
 * One place of a screen.
 *
 * @param codePoint the character, a space if there is none, {@link #WIDE_TAIL} in the right half of a wide one
 * @param foreground its colour: 0 to 255 of the usual palette, {@link #RGB} and 24 bits, or {@link #DEFAULT_COLOR}
 * @param background that of its background
 * @param styles how it stands out besides
 */
public record Cell(int codePoint, int foreground, int background, Set<Style> styles) {
    /** The colour of a terminal that has been told nothing. */
    public static final int DEFAULT_COLOR = -1;
    /** Marks a colour of its own; the low 24 bits are red, green and blue. */
    public static final int RGB = 1 << 24;
    /** The right half of the character before it. */
    public static final int WIDE_TAIL = -1;
}
