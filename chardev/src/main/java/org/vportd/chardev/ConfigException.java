package org.vportd.chardev;

/**
 * An option or a combination of options cannot be honoured. The message names the key; it is QEMU's own where QEMU has
 * one.
 */
public class ConfigException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String hint;

    /** Makes the refusal. */
    public ConfigException(String message) {
        this(message, "");
    }

    /**
     * Makes the refusal of a message that others match to the letter.
     *
     * @param hint what it leaves unsaid: the value given, the values accepted
     */
    public ConfigException(String message, String hint) {
        super(message);
        this.hint = hint;
    }

    private String message() {
        String message = super.getMessage();
        return message == null ? "" : message;
    }

    /** The same, said of one option out of many. */
    public ConfigException within(String option) {
        return new ConfigException(option + ": " + message(), hint);
    }

    /** What the message leaves unsaid; may be empty. */
    public final String hint() {
        return hint;
    }

    /** The message, with the hint if there is one, for a person to read. */
    public final String explanation() {
        return hint.isEmpty() ? message() : message() + " (" + hint + ")";
    }
}
