package org.vportd.chardev.secure;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/** The objects that the user has made, by id. Loop thread only. */
public final class UserObjects {
    /** The key that the first bare word of an {@code -object} option is the value of. */
    public static final String IMPLIED_KEY = "qom-type";

    /** Makes an object of one type; the options hold no unknown key. */
    @FunctionalInterface
    private interface Maker {
        UserObject make(Options options, UserObjects objects) throws ConfigException;
    }

    private record Type(Set<String> keys, Maker maker) {}

    private static final Map<String, Type> TYPES = Map.of(
            "authz-list", new Type(ListAuthorization.KEYS, (options, objects) -> ListAuthorization.parse(options)),
            "authz-simple",
                    new Type(SimpleAuthorization.KEYS, (options, objects) -> SimpleAuthorization.parse(options)),
            "secret", new Type(Secret.KEYS, (options, objects) -> Secret.parse(options)),
            "tls-creds-x509", new Type(TlsCredentials.KEYS, TlsCredentials::load));

    private final Map<String, UserObject> byId = new LinkedHashMap<>();
    private final Map<String, Options> sources = new LinkedHashMap<>();

    /** Makes an empty table. */
    public UserObjects() {}

    /** The names of the types, sorted. */
    public static Set<String> typeNames() {
        return new TreeSet<>(TYPES.keySet());
    }

    /** The options of a type, which must be one of {@link #typeNames}; not those that all have. */
    public static Set<String> keys(String typeName) {
        Type type = TYPES.get(typeName);
        if (type == null) {
            throw new IllegalArgumentException("no such type: type=" + typeName);
        }
        return type.keys();
    }

    /**
     * Makes an object from its options and keeps it.
     *
     * @throws ConfigException if the options do not fit, or what they name cannot be read
     */
    public UserObject add(Options options) throws ConfigException {
        String typeName = required(options, IMPLIED_KEY);
        Type type = TYPES.get(typeName);
        if (type == null) {
            throw new ConfigException(
                    "Parameter '" + IMPLIED_KEY + "' does not accept value '" + typeName + "'",
                    "accepted: " + String.join(", ", typeNames()));
        }
        required(options, "id");
        String id = String.valueOf(options.id());
        for (String key : options.keys()) {
            if (!isKnown(type, key)) {
                throw new ConfigException(
                        "Parameter '" + key + "' is unexpected",
                        typeName + " accepts: " + String.join(", ", new TreeSet<>(type.keys())));
            }
        }
        if (byId.containsKey(id)) {
            throw new ConfigException("attempt to add duplicate property '" + id + "' to object (type 'container')");
        }
        UserObject made = type.maker().make(options, this);
        byId.put(id, made);
        sources.put(id, options);
        return made;
    }

    private static boolean isKnown(Type type, String key) {
        return key.equals(IMPLIED_KEY)
                || key.equals("id")
                || type.keys().contains(key)
                || (type.keys().contains(ListAuthorization.RULE_KEYS) && ListAuthorization.isRuleKey(key));
    }

    /**
     * Forgets an object.
     *
     * @throws ConfigException if there is none or it is in use
     */
    public void remove(String id) throws ConfigException {
        UserObject object = byId.get(id);
        if (object == null) {
            throw new ConfigException("object '" + id + "' not found");
        }
        if (object.isUsed()) {
            throw new ConfigException("object '" + id + "' is in use, can not be deleted");
        }
        byId.remove(id);
        sources.remove(id);
    }

    /** What makes the same objects again, in order. */
    public List<Options> sources() {
        return List.copyOf(sources.values());
    }

    /** The type of each object, by id. */
    public Map<String, String> types() {
        Map<String, String> types = new LinkedHashMap<>();
        sources.forEach((id, options) -> types.put(id, options.string(IMPLIED_KEY, "")));
        return types;
    }

    /** The object of an id, or null. */
    public @Nullable UserObject find(String id) {
        return byId.get(id);
    }

    /** The value of a key that must be there. */
    static String required(Options options, String key) throws ConfigException {
        String value = options.string(key);
        if (value == null || value.isEmpty()) {
            throw new ConfigException("Parameter '" + key + "' is missing");
        }
        return value;
    }

    /** The value of a key that accepts certain words only. */
    static String choice(Options options, String key, String fallback, String... accepted) throws ConfigException {
        String value = options.string(key, fallback);
        for (String each : accepted) {
            if (each.equals(value)) {
                return value;
            }
        }
        throw new ConfigException(
                "Parameter '" + key + "' does not accept value '" + value + "'",
                "accepted: " + String.join(", ", accepted));
    }
}
