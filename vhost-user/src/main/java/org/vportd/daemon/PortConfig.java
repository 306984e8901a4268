package org.vportd.daemon;

import java.util.Collection;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.serial.PortOptions;

/**
 * A port and what it is connected to.
 *
 * @param bus where it is plugged; null for the first bus
 * @param chardev the id of a chardev, or null
 * @param source what the user wrote
 */
record PortConfig(
        PortOptions options, @Nullable String bus, @Nullable String chardev, Options source) {
    private static final Set<String> KEYS = Set.of("driver", "id", "bus", "chardev", "nr", "name", "buffer");
    private static final String ACCEPTED =
            KEYS.stream().filter(key -> !key.equals("driver")).sorted().collect(Collectors.joining(", "));
    private static final int MAX_BUFFER_BYTES = 64 << 20;

    /**
     * Reads the options of a port: first what it is and where it goes, then its id, then the rest.
     *
     * @param buses the buses there are
     * @param isTaken whether a device has an id already
     */
    static PortConfig parse(Options port, Collection<String> buses, Predicate<String> isTaken) throws ConfigException {
        String driver = port.required("driver", "Parameter 'driver' is missing");
        PortOptions.Type type = type(driver);
        String bus = port.string("bus");
        if (bus != null && !buses.contains(bus)) {
            throw new ConfigException(
                    "Bus '" + bus + "' not found",
                    buses.isEmpty() ? "there is none" : "there is: " + String.join(", ", buses));
        }
        checkId(port, isTaken);
        for (String key : port.keys()) {
            if (!KEYS.contains(key)) {
                throw new ConfigException("Property '" + driver + "." + key + "' not found", "accepted: " + ACCEPTED);
            }
        }
        long buffer = port.size("buffer", PortOptions.DEFAULT_BUFFER_BYTES, 0, MAX_BUFFER_BYTES);
        long nr = port.number("nr", PortOptions.ANY_NR, 0, PortOptions.ANY_NR);
        PortOptions options = new PortOptions(type, port.string("id"), nr, port.string("name"), (int) buffer);
        String chardev = port.string("chardev", "");
        return new PortConfig(options, bus, chardev.isEmpty() ? null : chardev, port);
    }

    /** An id is a step of a path, so it may not be just anything. */
    static void checkId(Options port, Predicate<String> isTaken) throws ConfigException {
        String id = port.string("id");
        if (id == null) {
            return;
        }
        if (!Options.isIdentifier(id)) {
            throw new ConfigException("Invalid qdev ID '" + id + "'", Options.IDENTIFIERS);
        }
        if (isTaken.test(id)) {
            throw new ConfigException("Duplicate device ID '" + id + "'");
        }
    }

    /** The properties of a port, which those of both drivers are. */
    static Set<String> keys(String driver) throws ConfigException {
        type(driver);
        return KEYS;
    }

    private static PortOptions.Type type(String driver) throws ConfigException {
        for (PortOptions.Type type : PortOptions.Type.values()) {
            if (type.optionName().equals(driver)) {
                return type;
            }
        }
        throw new ConfigException(
                "'" + driver + "' is not a valid device model name",
                "there are: virtconsole, virtserialport, vhost-user-serial");
    }
}
