package org.vportd.daemon;

/** The options are right, but the system does not let the program do what they say. */
final class StartException extends Exception {
    private static final long serialVersionUID = 1L;

    StartException(String message) {
        super(message);
    }
}
