package org.vportd.chardev.backend;

import java.util.Locale;
import java.util.Set;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.posix.SerialLine.FlowControl;
import org.vportd.posix.SerialLine.Parameters;
import org.vportd.posix.SerialLine.Parity;

/**
 * What the user asks of a serial line.
 *
 * @param path the device
 * @param parameters the parameters asked for, with defaults
 * @param given the keys of parameters that were given, which the line has to follow
 */
record SerialOptions(String path, Parameters parameters, Set<String> given) {
    static final Set<String> KEYS = Set.of("path", "baud", "databits", "parity", "stopbits", "flow");

    private static final int DEFAULT_BAUD = 115_200;
    private static final int MAX_BAUD = 100_000_000;
    /** A receiver that is off by more than this many percent loses bits. */
    private static final int BAUD_TOLERANCE = 3;

    static SerialOptions of(Options options) throws ConfigException {
        String path = options.required("path", "chardev: serial/tty: no device path given");
        Parameters parameters = new Parameters(
                (int) options.number("baud", DEFAULT_BAUD, 1, MAX_BAUD),
                (int) options.number("databits", 8, 5, 8),
                choice(options, "parity", Parity.NONE),
                (int) options.number("stopbits", 1, 1, 2),
                choice(options, "flow", FlowControl.NONE));
        return new SerialOptions(path, parameters, options.keys());
    }

    private static <E extends Enum<E>> E choice(Options options, String key, E fallback) throws ConfigException {
        String value = options.string(key);
        if (value == null) {
            return fallback;
        }
        StringBuilder names = new StringBuilder();
        for (E choice : fallback.getDeclaringClass().getEnumConstants()) {
            String name = choice.name().toLowerCase(Locale.ROOT);
            if (name.equals(value)) {
                return choice;
            }
            names.append(names.isEmpty() ? "'" : ", '").append(name).append('\'');
        }
        throw new ConfigException("Parameter '" + key + "' expects one of " + names, "got '" + value + "'");
    }

    /**
     * Checks that a line does what was asked for expressly.
     *
     * @param actual what it does
     */
    void check(Parameters actual) throws ConfigException {
        long difference = Math.abs((long) actual.baud() - parameters.baud());
        check("baud", difference * 100 <= (long) BAUD_TOLERANCE * parameters.baud(), actual.baud());
        check("databits", actual.dataBits() == parameters.dataBits(), actual.dataBits());
        check("parity", actual.parity() == parameters.parity(), word(actual.parity()));
        check("stopbits", actual.stopBits() == parameters.stopBits(), actual.stopBits());
        check("flow", actual.flow() == parameters.flow(), word(actual.flow()));
    }

    private void check(String key, boolean asWanted, Object actual) throws ConfigException {
        if (!asWanted && given.contains(key)) {
            throw new ConfigException("'" + path + "' cannot do what '" + key + "' asks for", "it does " + actual);
        }
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
