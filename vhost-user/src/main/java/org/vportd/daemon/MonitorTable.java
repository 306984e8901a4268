package org.vportd.daemon;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.monitor.Monitors;

/** What the monitors there are were made from; those that are objects can come and go. First loop's thread only. */
final class MonitorTable {
    private static final System.Logger LOGGER = System.getLogger(MonitorTable.class.getName());

    private final Chardevs chardevs;
    private final UserObjects others;
    private final Supplier<Monitors> monitors;
    private final List<MonitorConfig> made = new ArrayList<>();

    /**
     * Makes an empty one.
     *
     * @param others the objects that are no monitors
     * @param monitors what makes them
     */
    MonitorTable(Chardevs chardevs, UserObjects others, Supplier<Monitors> monitors) {
        this.chardevs = chardevs;
        this.others = others;
        this.monitors = monitors;
    }

    /** Makes a monitor. */
    void add(MonitorConfig config) throws ConfigException {
        String id = config.objectId();
        if (id != null && (find(id) != null || others.find(id) != null)) {
            throw duplicate(id);
        }
        Chardev chardev = chardevs.find(config.chardev());
        if (chardev == null) {
            throw new ConfigException("chardev \"" + config.chardev() + "\" not found");
        }
        switch (config.mode()) {
            case CONTROL ->
                monitors.get()
                        .addQmp(
                                chardev,
                                config.pretty(),
                                id,
                                config.endsWithClient() ? () -> clientHasLeft(config) : null);
            case READLINE -> monitors.get().addHuman(chardev);
        }
        made.add(config);
    }

    /** The refusal of an id that an object has. */
    static ConfigException duplicate(String id) {
        return new ConfigException("attempt to add duplicate property '" + id + "' to object (type 'container')");
    }

    /** The one that is an object of an id, or null. */
    @Nullable
    MonitorConfig find(String objectId) {
        return made.stream()
                .filter(config -> objectId.equals(config.objectId()))
                .findFirst()
                .orElse(null);
    }

    /**
     * Removes one that is an object.
     *
     * @throws ConfigException if it is for people, or the one that the present command came over
     */
    void remove(MonitorConfig config) throws ConfigException {
        if (config.mode() == MonitorConfig.Mode.READLINE) {
            throw new ConfigException("Deleting HMP monitors is not supported");
        }
        monitors.get().removeQmp(String.valueOf(config.objectId()));
        made.remove(config);
    }

    private void clientHasLeft(MonitorConfig config) {
        try {
            remove(config);
            chardevs.remove(config.chardev());
        } catch (ConfigException e) {
            LOGGER.log(
                    System.Logger.Level.WARNING,
                    "not all of a monitor is removed: id=" + config.objectId() + " error=" + e.getMessage());
        }
    }

    /** The type of each one that is an object, by id. */
    Map<String, String> types() {
        Map<String, String> types = new LinkedHashMap<>();
        for (MonitorConfig config : made) {
            if (config.objectId() != null) {
                types.put(config.objectId(), config.typeName());
            }
        }
        return types;
    }

    /** What makes the same ones again, in order. */
    List<MonitorConfig> configs() {
        return List.copyOf(made);
    }

    /** The chardevs that they use. */
    List<String> chardevIds() {
        return made.stream().map(MonitorConfig::chardev).toList();
    }
}
