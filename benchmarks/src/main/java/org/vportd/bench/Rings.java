package org.vportd.bench;

/** What the rings between driver and device are like. */
public enum Rings {
    /** Three tables. */
    SPLIT(false, false),
    /** The same, with one used element for several buffers. */
    SPLIT_IN_ORDER(false, true),
    /** One ring. */
    PACKED(true, false),
    /** The same, with one used descriptor for several buffers. */
    PACKED_IN_ORDER(true, true);

    final boolean packed;
    final boolean inOrder;

    Rings(boolean packed, boolean inOrder) {
        this.packed = packed;
        this.inOrder = inOrder;
    }
}
