package org.vportd.serial.state;

/**
 * A control message that the driver has not had a buffer for yet (Virtio 1.3 §5.3.6.2).
 *
 * @param port the number of the port that it is about
 * @param event which one; range 0 to 65535
 * @param value its value; range 0 to 65535
 * @param payload what follows, at most {@link #MAX_PAYLOAD_BYTES}; not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record WaitingMessage(int port, int event, int value, byte[] payload) {
    /** The longest payload: a buffer of the driver is a page, and eight bytes of it are taken. */
    public static final int MAX_PAYLOAD_BYTES = 4088;
}
