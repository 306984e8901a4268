package org.vportd.chardev;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;

/** The chardevs that exist, by id, and the types there are. Loop thread only. */
public final class Chardevs implements AutoCloseable {
    private final EventLoop loop;
    private final Map<String, ChardevType> types = new TreeMap<>();
    private final Map<String, Chardev> byId = new LinkedHashMap<>();

    /** Makes an empty table for one loop. */
    public Chardevs(EventLoop loop, Collection<? extends ChardevType> types) {
        this.loop = loop;
        types.forEach(type -> this.types.put(type.name(), type));
    }

    /** The names of the types, sorted. */
    public Set<String> typeNames() {
        return types.keySet();
    }

    /**
     * Makes a chardev from its options and keeps it.
     *
     * @throws ConfigException if the options do not fit, or what they name cannot be opened
     */
    public Chardev add(Options options) throws ConfigException {
        String name = options.string("backend");
        String id = options.id();
        if (id == null) {
            throw new ConfigException("chardev: no id specified");
        }
        if (name == null || name.isEmpty()) {
            throw new ConfigException("chardev: \"" + id + "\" missing backend");
        }
        ChardevType type = types.get(name);
        if (type == null) {
            throw new ConfigException(
                    "'" + name + "' is not a valid char driver name",
                    "there are: " + String.join(", ", types.keySet()));
        }
        if (byId.containsKey(id)) {
            throw new ConfigException("Chardev with id '" + id + "' already exists");
        }
        Set<String> accepted = new TreeSet<>(type.keys());
        accepted.add("backend");
        accepted.add("id");
        options.accept(accepted);
        Chardev chardev = type.open(loop, id, options);
        byId.put(id, chardev);
        return chardev;
    }

    /** The chardev of an id, or null. */
    public @Nullable Chardev find(String id) {
        return byId.get(id);
    }

    /** All of them, in the order they were made. */
    public Collection<Chardev> all() {
        return byId.values();
    }

    /** Whether the program's start is to wait for a peer, see {@link Chardev#isAwaited}. */
    public boolean areAwaited() {
        return byId.values().stream().anyMatch(Chardev::isAwaited);
    }

    /**
     * Closes one and forgets it.
     *
     * @throws ConfigException if there is none or it is in use
     */
    public void remove(String id) throws ConfigException {
        Chardev chardev = byId.get(id);
        if (chardev == null) {
            throw new ConfigException("Chardev '" + id + "' not found");
        }
        if (chardev.isBusy()) {
            throw new ConfigException("Chardev '" + id + "' is busy");
        }
        byId.remove(id);
        chardev.close();
    }

    /** Closes all of them. */
    @Override
    public void close() {
        byId.values().forEach(Chardev::close);
        byId.clear();
    }
}
