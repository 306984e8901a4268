package org.vportd.monitor;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.monitor.schema.ObjectType;
import org.vportd.monitor.schema.SchemaInfo;
import org.vportd.monitor.schema.Type;

/** All commands, by name. */
final class CommandTable {
    private final Map<String, Command> byName = new LinkedHashMap<>();
    private @Nullable List<Object> schema;

    void add(String name, ObjectType arguments, Type result, Command.Action action) {
        byName.put(name, new Command(name, arguments, result, false, action));
    }

    void addOutOfBand(String name, ObjectType arguments, Type result, Command.Action action) {
        byName.put(name, new Command(name, arguments, result, true, action));
    }

    @Nullable
    Command find(String name) {
        return byName.get(name);
    }

    /** Runs a command that is known, with arguments that fit it, for whoever has asked for it in another way. */
    @Nullable
    Object run(String name, Map<String, ?> arguments, Requester requester) throws QmpException, ConfigException {
        Command command = Objects.requireNonNull(byName.get(name), name);
        return command.action().run(new Arguments(arguments), requester);
    }

    Collection<Command> all() {
        return byName.values();
    }

    /** What {@code query-qmp-schema} answers. */
    List<Object> schema() {
        List<Object> known = schema;
        if (known == null) {
            SchemaInfo info = new SchemaInfo();
            for (Command command : all()) {
                info.addCommand(command.name(), command.arguments(), command.result(), command.allowsOutOfBand());
            }
            for (EventType event : EventType.ALL) {
                info.addEvent(event.name(), event.data());
            }
            known = info.entries();
            schema = known;
        }
        return known;
    }
}
