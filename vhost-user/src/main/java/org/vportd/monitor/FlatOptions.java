package org.vportd.monitor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/** Turns members of an object into options: {@code key.0} and {@code key.name} for what is within others. */
final class FlatOptions {
    /** Every level repeats the names above it, so there has to be an end to that. */
    private static final int MAX_CHARACTERS = 1 << 20;

    private final Map<String, String> values = new LinkedHashMap<>();
    private long characters;

    /** The options that are the members of an object. */
    static Options of(Map<?, ?> members) throws ConfigException {
        FlatOptions flat = new FlatOptions();
        for (Map.Entry<?, ?> member : members.entrySet()) {
            flat.add(String.valueOf(member.getKey()), member.getValue());
        }
        return Options.of(flat.values);
    }

    /**
     * Adds a member.
     *
     * @throws ConfigException if it all gets too long
     */
    void add(String key, @Nullable Object value) throws ConfigException {
        count(key.length());
        if (value instanceof Map<?, ?> map) {
            for (Map.Entry<?, ?> member : map.entrySet()) {
                add(key + "." + member.getKey(), member.getValue());
            }
        } else if (value instanceof List<?> list) {
            for (int i = 0; i < list.size(); i++) {
                add(key + "." + i, list.get(i));
            }
        } else {
            put(key, text(value));
        }
    }

    private void put(String key, String value) throws ConfigException {
        count(value.length());
        values.put(key, value);
    }

    private void count(int more) throws ConfigException {
        characters += more;
        if (characters > MAX_CHARACTERS) {
            throw new ConfigException("options are too long: limit=" + MAX_CHARACTERS + " characters");
        }
    }

    Map<String, String> values() {
        return values;
    }

    /** A value in the words of the command line. */
    static String text(@Nullable Object value) {
        if (value instanceof Boolean flag) {
            return flag ? "on" : "off";
        }
        return value == null ? "" : value.toString();
    }
}
