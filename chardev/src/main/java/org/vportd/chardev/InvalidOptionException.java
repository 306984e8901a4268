package org.vportd.chardev;

/** An option is unknown, or its value is not of the kind that it takes, whatever the others say. */
public final class InvalidOptionException extends ConfigException {
    private static final long serialVersionUID = 1L;

    /** Makes the refusal of a message that others match to the letter. */
    public InvalidOptionException(String message, String hint) {
        super(message, hint);
    }

    @Override
    public InvalidOptionException within(String option) {
        return new InvalidOptionException(option + ": " + getMessage(), hint());
    }
}
