package org.vportd.chardev;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Options as QEMU writes them: {@code socket,id=c0,path=/run/a,,b,server=on}. The first bare word is the value of an
 * implied key, {@code ,,} is a comma within a value, the last of two equal keys wins, and a key alone means {@code on}
 * ({@code nokey}: {@code off}), which draws a warning.
 */
public final class Options {
    /** The longest id. */
    public static final int MAX_ID_LENGTH = 127;

    /** What an id may look like, for hints in errors. */
    public static final String IDENTIFIERS =
            "letters, digits, '-', '.', '_', starting with a letter, " + MAX_ID_LENGTH + " at most";

    private static final Pattern IDENTIFIER = Pattern.compile("[A-Za-z][A-Za-z0-9._-]*");
    private static final Pattern SIZE = Pattern.compile("([0-9]+)(\\.[0-9]+)?([bBkKmMgGtTpPeE])?");
    private static final Pattern TOO_LARGE = Pattern.compile("[1-9][0-9]*|0[0-7]+|0[xX][0-9a-fA-F]+");
    private static final String SIZE_SUFFIXES = "BKMGTPE";
    private static final int BITS_PER_SUFFIX = 10;
    private static final Set<String> ON = Set.of("on", "yes", "true", "y");
    private static final Set<String> OFF = Set.of("off", "no", "false", "n");

    private final String text;
    private final Map<String, String> values;

    private Options(String text, Map<String, String> values) {
        this.text = text;
        this.values = values;
    }

    /**
     * Parses an option text.
     *
     * @param impliedKey the key of a first word without one
     * @param warnings told of spellings that QEMU deprecates
     */
    public static Options parse(String text, String impliedKey, Consumer<String> warnings) {
        Map<String, String> values = new LinkedHashMap<>();
        boolean first = true;
        for (String part : split(text)) {
            int equals = part.indexOf('=');
            if (equals >= 0) {
                put(values, part.substring(0, equals), part.substring(equals + 1));
            } else if (first) {
                put(values, impliedKey, part);
            } else if (!part.isEmpty()) {
                shortForm(values, part, warnings);
            }
            first = false;
        }
        return new Options(text, values);
    }

    private static void shortForm(Map<String, String> values, String word, Consumer<String> warnings) {
        boolean off = word.startsWith("no") && word.length() > 2;
        String key = off ? word.substring(2) : word;
        String value = off ? "off" : "on";
        boolean isDelay = key.equals("delay"); // deprecated in its turn
        warnings.accept("short-form boolean option '" + word + "' deprecated; please use "
                + (isDelay ? "nodelay=" + (off ? "on" : "off") : key + "=" + value) + " instead");
        put(values, key, value);
    }

    private static void put(Map<String, String> values, String key, String value) {
        values.put(key, value);
    }

    private static List<String> split(String text) {
        List<String> parts = new ArrayList<>();
        StringBuilder part = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != ',') {
                part.append(c);
            } else if (i + 1 < text.length() && text.charAt(i + 1) == ',') {
                part.append(',');
                i++;
            } else {
                parts.add(part.toString());
                part.setLength(0);
            }
        }
        parts.add(part.toString());
        return parts;
    }

    /**
     * Makes options from their values.
     *
     * @param values by key, in the order to be written
     */
    public static Options of(Map<String, String> values) {
        StringJoiner text = new StringJoiner(",");
        values.forEach((key, value) -> text.add(key + "=" + value.replace(",", ",,")));
        return new Options(text.toString(), new LinkedHashMap<>(values));
    }

    /** The same with one value added or replaced. */
    public Options with(String key, String value) {
        Map<String, String> changed = new LinkedHashMap<>(values);
        changed.put(key, value);
        return of(changed);
    }

    /** The same without a key. */
    public Options without(String key) {
        Map<String, String> changed = new LinkedHashMap<>(values);
        changed.remove(key);
        return of(changed);
    }

    /** The keys that are given, in order. */
    public Set<String> keys() {
        return Collections.unmodifiableSet(values.keySet());
    }

    /** The value of a key, or null if it is not given. */
    public @Nullable String string(String key) {
        return values.get(key);
    }

    /**
     * The value of a key that has to be given.
     *
     * @throws ConfigException with the refusal if it is not
     */
    public String required(String key, String refusal) throws ConfigException {
        String value = values.get(key);
        if (value == null) {
            throw new ConfigException(refusal);
        }
        return value;
    }

    /** The value of a key, or what it defaults to. */
    public String string(String key, String fallback) {
        return values.getOrDefault(key, fallback);
    }

    /** Whether a key is given. */
    public boolean has(String key) {
        return values.containsKey(key);
    }

    /** The value of {@code id}, null if it is not given. */
    public @Nullable String id() throws ConfigException {
        String id = values.get("id");
        if (id != null && !isIdentifier(id)) {
            throw new InvalidOptionException(
                    "Parameter 'id' expects an identifier", IDENTIFIERS + "; got '" + id + "'");
        }
        return id;
    }

    /** Whether a text can be the id of something. */
    public static boolean isIdentifier(String id) {
        return id.length() <= MAX_ID_LENGTH && IDENTIFIER.matcher(id).matches();
    }

    /** A switch. */
    public boolean bool(String key, boolean fallback) throws ConfigException {
        String value = values.get(key);
        if (value == null) {
            return fallback;
        }
        if (!ON.contains(value) && !OFF.contains(value)) {
            throw new InvalidOptionException("Parameter '" + key + "' expects 'on' or 'off'", "got '" + value + "'");
        }
        return ON.contains(value);
    }

    /** A whole number, decimal or with {@code 0x}. */
    public long number(String key, long fallback, long min, long max) throws ConfigException {
        String value = values.get(key);
        if (value == null) {
            return fallback;
        }
        try {
            return inRange(key, Long.decode(value.startsWith("#") ? "" : value), min, max);
        } catch (NumberFormatException e) {
            if (TOO_LARGE.matcher(value).matches()) {
                throw new InvalidOptionException("Value '" + value + "' is too large for parameter '" + key + "'", "");
            }
            throw new InvalidOptionException("Parameter '" + key + "' expects a number", "got '" + value + "'");
        }
    }

    /** A number of bytes, with an optional suffix k, M, G, T, P or E (powers of 1024) that also allows a fraction. */
    public long size(String key, long fallback, long min, long max) throws ConfigException {
        String value = values.get(key);
        if (value == null || value.startsWith("0x")) {
            return number(key, fallback, min, max);
        }
        Matcher parts = SIZE.matcher(value);
        if (!parts.matches()) {
            throw noSize(key, value);
        }
        String suffix = parts.group(3);
        int shift = suffix == null ? 0 : BITS_PER_SUFFIX * SIZE_SUFFIXES.indexOf(suffix.toUpperCase(Locale.ROOT));
        String fraction = parts.group(2);
        if (fraction != null && shift == 0) {
            throw noSize(key, value);
        }
        BigInteger bytes = new BigDecimal(parts.group(1) + (fraction == null ? "" : fraction))
                .multiply(BigDecimal.valueOf(1L << shift))
                .toBigInteger();
        if (bytes.bitLength() >= Long.SIZE) {
            throw new InvalidOptionException("Value '" + value + "' is out of range for parameter '" + key + "'", "");
        }
        return inRange(key, bytes.longValue(), min, max);
    }

    private static ConfigException noSize(String key, String value) {
        return new InvalidOptionException(
                "Parameter '" + key + "' expects a size",
                "a number, with k, M, G, T, P or E for powers of 1024; got '" + value + "'");
    }

    private static long inRange(String key, long number, long min, long max) throws ConfigException {
        if (number < min || number > max) {
            throw new InvalidOptionException(
                    "Parameter '" + key + "' expects a number "
                            + (max == Long.MAX_VALUE ? "of at least " + min : "from " + min + " to " + max),
                    "got " + number);
        }
        return number;
    }

    /**
     * Refuses keys that nobody knows.
     *
     * @param accepted the keys that are known
     */
    public void accept(Set<String> accepted) throws ConfigException {
        for (String key : values.keySet()) {
            if (!accepted.contains(key)) {
                throw new InvalidOptionException(
                        "Invalid parameter '" + key + "'", "accepted: " + String.join(", ", new TreeSet<>(accepted)));
            }
        }
    }

    /** A text that {@linkplain #parse parses} to the same values. */
    public String canonical() {
        return of(values).toString();
    }

    /** The text as it was given. */
    @Override
    public String toString() {
        return text;
    }
}
