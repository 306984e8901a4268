package org.vportd.monitor.schema;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A value of one of several types that are told apart by their kind of JSON.
 *
 * @param alternatives no two of one kind; the first is the usual one
 */
public record AlternateType(String name, List<Type> alternatives) implements Type {
    @Override
    public void check(Path path, @Nullable Object value) throws SchemaException {
        for (Type alternative : alternatives) {
            if (alternative.isKindOf(value)) {
                alternative.check(path, value);
                return;
            }
        }
        alternatives.get(0).check(path, value); // refuses it, as what QEMU has there
    }

    @Override
    public boolean isKindOf(@Nullable Object value) {
        return alternatives.stream().anyMatch(each -> each.isKindOf(value));
    }
}
