package org.vportd.monitor.schema;

import java.math.BigInteger;
import org.jspecify.annotations.Nullable;

/**
 * Whole numbers; clients see all of them as {@code int}.
 *
 * @param name the name in error messages
 * @param min the least value
 * @param max the greatest value
 */
public record IntegerType(String name, long min, long max) implements Type {
    /** Of 64 bits with sign. */
    public static final IntegerType INT = new IntegerType("integer", Long.MIN_VALUE, Long.MAX_VALUE);

    /** Of 16 bits without sign. */
    public static final IntegerType UINT16 = new IntegerType("uint16_t", 0, 0xffff);

    /** Of 32 bits without sign. */
    public static final IntegerType UINT32 = new IntegerType("uint32_t", 0, 0xffff_ffffL);

    /** A number of bytes. */
    public static final IntegerType SIZE = new IntegerType("size", 0, Long.MAX_VALUE);

    @Override
    public void check(Path path, @Nullable Object value) throws SchemaException {
        if (!(value instanceof Long number)) {
            throw SchemaException.wrongType(path, "integer"); // also one beyond 64 bits
        }
        if (number < min || number > max) {
            throw new SchemaException("Parameter '" + path.last() + "' expects " + name);
        }
    }

    /** A number beyond 64 bits was read as one with fraction: it is out of range rather than of another kind. */
    @Override
    public boolean isKindOf(@Nullable Object value) {
        return value instanceof Long
                || value instanceof BigInteger
                || (value instanceof Double number && Math.abs(number) >= 0x1p63);
    }
}
