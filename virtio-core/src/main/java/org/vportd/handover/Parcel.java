package org.vportd.handover;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;

/**
 * What a part of the program needs to go on in another process: values and descriptors by name, and parcels of its own
 * parts. Names that the receiver does not know do no harm, and those it misses have a default, so that versions may differ.
 *
 * <p>A descriptor that is put in stays its owner's; one that comes out of a received parcel is the taker's, and what nobody
 * takes is closed with the parcel.
 */
public final class Parcel implements AutoCloseable {
    private final Map<String, Object> values = new LinkedHashMap<>();

    /** Makes an empty one. */
    public Parcel() {}

    Map<String, Object> values() {
        return values;
    }

    /** Puts in a number. */
    public Parcel put(String name, long value) {
        return putValue(name, value);
    }

    /** Puts in a truth value. */
    public Parcel put(String name, boolean value) {
        return put(name, value ? 1L : 0L);
    }

    /** Puts in a text; nothing if there is none. */
    public Parcel put(String name, @Nullable String value) {
        return value == null ? this : putValue(name, value);
    }

    /** Puts in bytes. */
    public Parcel put(String name, byte[] value) {
        return putValue(name, value.clone());
    }

    /** Puts in a descriptor; nothing if there is none. */
    public Parcel put(String name, @Nullable Fd value) {
        return value == null ? this : putValue(name, value);
    }

    /** Puts in another parcel. */
    public Parcel put(String name, Parcel value) {
        return putValue(name, value);
    }

    /** Puts in parcels, in order. */
    public Parcel put(String name, List<Parcel> value) {
        return putValue(name, List.copyOf(value));
    }

    Parcel putValue(String name, Object value) {
        values.put(name, value);
        return this;
    }

    /** The number of a name, or the default. */
    public long number(String name, long otherwise) {
        return values.get(name) instanceof Long value ? value : otherwise;
    }

    /** The truth value of a name, or false. */
    public boolean flag(String name) {
        return number(name, 0) != 0;
    }

    /** The text of a name, or null. */
    public @Nullable String text(String name) {
        return values.get(name) instanceof String value ? value : null;
    }

    /** The bytes of a name, empty if there are none. */
    public byte[] bytes(String name) {
        return values.get(name) instanceof byte[] value ? value.clone() : new byte[0];
    }

    /** Whether there is a value of a name. */
    public boolean has(String name) {
        return values.containsKey(name);
    }

    /** Takes a descriptor out; null if there is none, or if it has been taken already. */
    public @Nullable Fd takeFd(String name) {
        if (!(values.get(name) instanceof Fd fd)) {
            return null;
        }
        values.remove(name);
        return fd;
    }

    /** The parcel of a name, empty if there is none. */
    public Parcel parcel(String name) {
        return values.get(name) instanceof Parcel value ? value : new Parcel();
    }

    /** The parcels of a name, in order. */
    public List<Parcel> parcels(String name) {
        return values.get(name) instanceof List<?> list
                ? list.stream().map(Parcel.class::cast).toList()
                : List.of();
    }

    /** Closes the descriptors that nobody has taken. Only for parcels that were received. */
    @Override
    public void close() {
        for (Object value : values.values()) {
            if (value instanceof Fd fd) {
                fd.close();
            } else if (value instanceof Parcel parcel) {
                parcel.close();
            } else if (value instanceof List<?> list) {
                list.forEach(each -> ((Parcel) each).close());
            }
        }
    }
}
