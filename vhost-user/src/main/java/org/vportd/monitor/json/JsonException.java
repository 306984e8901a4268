package org.vportd.monitor.json;

/** The input is no JSON. The message is QEMU's. */
public final class JsonException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Makes it. */
    public JsonException(String message) {
        super(message);
    }

    /** What is wrong, in QEMU's words. */
    public String text() {
        String message = getMessage();
        return message == null ? "" : message;
    }
}
