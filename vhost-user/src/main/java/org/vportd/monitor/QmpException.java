package org.vportd.monitor;

/** A command is refused or has failed: what the client is told. */
final class QmpException extends Exception {
    private static final long serialVersionUID = 1L;

    private final ErrorClass errorClass;

    QmpException(String description) {
        this(ErrorClass.GENERIC_ERROR, description);
    }

    QmpException(ErrorClass errorClass, String description) {
        super(description);
        this.errorClass = errorClass;
    }

    ErrorClass errorClass() {
        return errorClass;
    }
}
