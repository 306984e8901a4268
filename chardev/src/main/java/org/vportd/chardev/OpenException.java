package org.vportd.chardev;

/** The options are right, but the system does not let what they name be opened. The message says what and why. */
public final class OpenException extends ConfigException {
    private static final long serialVersionUID = 1L;

    /** Makes the failure. */
    public OpenException(String message) {
        super(message);
    }

    /**
     * Makes the failure of a message that others match to the letter.
     *
     * @param hint what it leaves unsaid
     */
    public OpenException(String message, String hint) {
        super(message, hint);
    }

    @Override
    public OpenException within(String option) {
        return new OpenException(option + ": " + getMessage(), hint());
    }
}
