package org.vportd.monitor.schema;

/** A value does not fit its type. The message is QEMU's, and names the member. */
public final class SchemaException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Makes it. */
    public SchemaException(String message) {
        super(message);
    }

    static SchemaException missing(Path path) {
        return new SchemaException("Parameter '" + path + "' is missing");
    }

    static SchemaException unexpected(Path path) {
        return new SchemaException("Parameter '" + path + "' is unexpected");
    }

    static SchemaException wrongType(Path path, String expected) {
        return new SchemaException("Invalid parameter type for '" + path + "', expected: " + expected);
    }
}
