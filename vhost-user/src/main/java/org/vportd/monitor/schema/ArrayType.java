package org.vportd.monitor.schema;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A list.
 *
 * @param element the type of its elements
 */
public record ArrayType(Type element) implements Type {
    @Override
    public String name() {
        return "[" + element.name() + "]";
    }

    @Override
    public void check(Path path, @Nullable Object value) throws SchemaException {
        if (!(value instanceof List<?> list)) {
            throw SchemaException.wrongType(path, "array");
        }
        int index = 0;
        for (Object each : list) {
            element.check(path.element(index++), each);
        }
    }

    @Override
    public boolean isKindOf(@Nullable Object value) {
        return value instanceof List<?>;
    }
}
