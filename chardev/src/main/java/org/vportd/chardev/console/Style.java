package org.vportd.chardev.console;

/** A way for a character to stand out, besides its colours. */
public enum Style {
    /** Bold or bright. */
    BOLD(52),
    /** Less intense. */
    FAINT(53),
    /** Slanted. */
    ITALIC(54),
    /** Underlined. */
    UNDERLINED(55),
    /** Blinking. */
    BLINKING(56),
    /** Foreground and background exchanged. */
    REVERSED(57),
    /** Not to be seen. */
    HIDDEN(58),
    /** Struck out. */
    STRUCK_OUT(59);

    private final int bit;

    Style(int bit) {
        this.bit = bit;
    }

    /** Its bit in a {@link Rendition}. */
    long mask() {
        return 1L << bit;
    }
}
