package org.vportd.serial;

import org.vportd.chardev.WindowSize;

/** Whether and how the driver is told the size of consoles (Virtio 1.3 §5.3.4 and §5.3.6.2). */
public enum ConsoleSize {
    /** It is not: VIRTIO_CONSOLE_F_SIZE is not offered. */
    OFF,
    /** It is; in RESIZE messages columns come first, as the standard says. */
    COLUMNS_FIRST,
    /** It is; rows come first, which is how Linux read them until 2025. The driver does not say which it expects. */
    ROWS_FIRST;

    /** The payload of a RESIZE message: two numbers of 16 bits, little-endian. */
    byte[] payload(WindowSize size) {
        int first = this == ROWS_FIRST ? size.rows() : size.columns();
        int second = this == ROWS_FIRST ? size.columns() : size.rows();
        return new byte[] {(byte) first, (byte) (first >> Byte.SIZE), (byte) second, (byte) (second >> Byte.SIZE)};
    }
}
