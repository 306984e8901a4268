package org.vportd.chardev.console;

import org.vportd.handover.Parcel;

/** What {@code ESC 7} keeps of a screen. */
final class SavedCursor {
    final boolean[] graphics = new boolean[2];
    int column;
    int row;
    long rendition;
    int charset;
    boolean originMode;
    boolean wrapPending;

    Parcel pack() {
        return new Parcel()
                .put("column", column)
                .put("row", row)
                .put("rendition", rendition)
                .put("charset", charset)
                .put("graphics0", graphics[0])
                .put("graphics1", graphics[1])
                .put("originMode", originMode)
                .put("wrapPending", wrapPending);
    }

    void unpack(Parcel from) {
        column = (int) from.number("column", 0);
        row = (int) from.number("row", 0);
        rendition = from.number("rendition", Rendition.DEFAULT);
        charset = from.flag("charset") ? 1 : 0;
        graphics[0] = from.flag("graphics0");
        graphics[1] = from.flag("graphics1");
        originMode = from.flag("originMode");
        wrapPending = from.flag("wrapPending");
    }
}
