package org.vportd.serial.state;

/** Bytes are not the state of a device, or not one that this version understands. */
public final class StateFormatException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Makes the refusal. */
    public StateFormatException(String message) {
        super(message);
    }
}
