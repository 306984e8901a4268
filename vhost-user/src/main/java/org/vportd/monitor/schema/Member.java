package org.vportd.monitor.schema;

/**
 * A member of an object.
 *
 * @param optional whether it may be absent
 */
public record Member(String name, Type type, boolean optional) {
    /** One that has to be there. */
    public static Member required(String name, Type type) {
        return new Member(name, type, false);
    }

    /** One that may be absent. */
    public static Member optional(String name, Type type) {
        return new Member(name, type, true);
    }
}
