package org.vportd.monitor.schema;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A choice of words.
 *
 * @param values the words
 */
public record EnumType(String name, List<String> values) implements Type {
    /** Makes one of its words. */
    public static EnumType of(String name, String... values) {
        return new EnumType(name, List.of(values));
    }

    @Override
    public void check(Path path, @Nullable Object value) throws SchemaException {
        if (!(value instanceof String word)) {
            throw SchemaException.wrongType(path, "string");
        }
        if (!values.contains(word)) {
            throw new SchemaException("Parameter '" + path.last() + "' does not accept value '" + word + "'");
        }
    }

    @Override
    public boolean isKindOf(@Nullable Object value) {
        return value instanceof String;
    }
}
