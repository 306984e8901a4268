package org.vportd.monitor.schema;

import java.math.BigInteger;
import org.jspecify.annotations.Nullable;

/** The types that are kinds of JSON values. */
public enum Builtin implements Type {
    /** Text. */
    STR("str", "string", "string") {
        @Override
        public boolean isKindOf(@Nullable Object value) {
            return value instanceof String;
        }
    },
    /** A number with or without fraction. */
    NUMBER("number", "number", "number") {
        @Override
        public boolean isKindOf(@Nullable Object value) {
            return value instanceof Long || value instanceof BigInteger || value instanceof Double;
        }
    },
    /** Yes or no. */
    BOOL("bool", "boolean", "boolean") {
        @Override
        public boolean isKindOf(@Nullable Object value) {
            return value instanceof Boolean;
        }
    },
    /** No value. */
    NULL("null", "null", "null") {
        @Override
        public boolean isKindOf(@Nullable Object value) {
            return value == null;
        }
    },
    /** Whatever there is. */
    ANY("any", "value", "any") {
        @Override
        public boolean isKindOf(@Nullable Object value) {
            return true;
        }
    };

    private final String schemaName;
    private final String jsonType;
    private final String expected;

    Builtin(String schemaName, String jsonType, String expected) {
        this.schemaName = schemaName;
        this.jsonType = jsonType;
        this.expected = expected;
    }

    /** The word for it in a {@code SchemaInfo}. */
    String jsonType() {
        return jsonType;
    }

    /** Its name in the schema. */
    String schemaName() {
        return schemaName;
    }

    @Override
    public void check(Path path, @Nullable Object value) throws SchemaException {
        if (!isKindOf(value)) {
            throw SchemaException.wrongType(path, expected);
        }
    }
}
