package org.vportd.monitor.schema;

import org.jspecify.annotations.Nullable;

/** A set of JSON values. Values are those of {@link org.vportd.monitor.json}. */
public sealed interface Type permits Builtin, IntegerType, EnumType, ArrayType, ObjectType, AlternateType {
    /** The name it goes by among those who declare it. */
    String name();

    /**
     * Refuses a value that is not one of this type.
     *
     * @param path where the value is
     */
    void check(Path path, @Nullable Object value) throws SchemaException;

    /** Whether a value is of the kind of JSON that this type is made of, whatever else may be wrong with it. */
    boolean isKindOf(@Nullable Object value);
}
