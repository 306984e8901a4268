package org.vportd.chardev.console;

/** What {@code ESC 7} keeps of a screen. */
final class SavedCursor {
    final boolean[] graphics = new boolean[2];
    int column;
    int row;
    long rendition;
    int charset;
    boolean originMode;
    boolean wrapPending;
}
