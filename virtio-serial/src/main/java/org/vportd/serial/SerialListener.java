package org.vportd.serial;

/** Hears what guests do with ports. Called on the loop thread. */
public interface SerialListener {
    /** Hears nothing. */
    SerialListener NONE = (port, open) -> {};

    /** The guest says that it has opened or closed a port; it may say so again without a change. */
    void guestOpened(SerialPort port, boolean open);
}
