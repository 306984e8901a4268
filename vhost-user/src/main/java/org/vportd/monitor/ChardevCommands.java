package org.vportd.monitor;

import java.util.Map;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.monitor.schema.ArrayType;
import org.vportd.monitor.schema.Builtin;
import org.vportd.monitor.schema.Member;
import org.vportd.monitor.schema.ObjectType;

/** The commands that list, make, change and remove chardevs. */
final class ChardevCommands {
    private static final String PTY_PREFIX = "pty:";

    private static final ObjectType MAKE = ObjectType.of(
            "chardev-add", Member.required("id", Builtin.STR), Member.required("backend", BackendSchema.BACKEND));
    private static final ObjectType MADE = ObjectType.of("ChardevReturn", Member.optional("pty", Builtin.STR));
    private static final ObjectType ID = ObjectType.of("chardev-id", Member.required("id", Builtin.STR));
    private static final ObjectType INFO = ObjectType.of(
            "ChardevInfo",
            Member.required("label", Builtin.STR),
            Member.required("filename", Builtin.STR),
            Member.required("frontend-open", Builtin.BOOL));
    private static final ObjectType TYPE_INFO =
            ObjectType.of("ChardevBackendInfo", Member.required("name", Builtin.STR));

    private final Chardevs chardevs;

    ChardevCommands(MonitorEnvironment environment) {
        this.chardevs = environment.chardevs();
    }

    void addTo(CommandTable table) {
        table.add(
                "query-chardev",
                ObjectType.EMPTY,
                new ArrayType(INFO),
                (arguments, session) ->
                        chardevs.all().stream().map(ChardevCommands::info).toList());
        table.add(
                "query-chardev-backends",
                ObjectType.EMPTY,
                new ArrayType(TYPE_INFO),
                (arguments, session) -> chardevs.typeNames().stream()
                        .map(name -> Map.of("name", name))
                        .toList());
        table.add("chardev-add", MAKE, MADE, (arguments, session) -> add(arguments));
        table.add("chardev-change", MAKE, MADE, (arguments, session) -> change(arguments));
        table.add("chardev-remove", ID, ObjectType.EMPTY, (arguments, session) -> {
            chardevs.remove(arguments.string("id"));
            return null;
        });
        table.add("chardev-send-break", ID, ObjectType.EMPTY, (arguments, session) -> {
            NamedChardevs.find(chardevs, arguments.string("id")).sendBreak();
            return null;
        });
    }

    private static Map<String, Object> info(Chardev chardev) {
        return Members.of(
                "frontend-open", chardev.isFrontendOpen(), "filename", chardev.filename(), "label", chardev.id());
    }

    private Map<String, Object> add(Arguments arguments) throws ConfigException, QmpException {
        String id = arguments.string("id");
        if (chardevs.find(id) != null) {
            throw new QmpException("Chardev with id '" + id + "' already exists");
        }
        try {
            return made(chardevs.add(id, options(arguments)));
        } catch (ConfigException e) {
            throw failedToAdd(id, e);
        }
    }

    private static ConfigException failedToAdd(String id, ConfigException e) {
        return new ConfigException("Failed to add chardev '" + id + "': " + e.getMessage(), e.hint());
    }

    /** Without a front-end, a change is to QEMU a removal and an addition, which shows in the message only. */
    private Map<String, Object> change(Arguments arguments) throws ConfigException {
        String id = arguments.string("id");
        Chardev old = chardevs.find(id);
        try {
            return made(chardevs.change(id, old == null ? Options.of(Map.of()) : options(arguments)));
        } catch (ConfigException e) {
            throw old == null || old.isBusy() ? e : failedToAdd(id, e);
        }
    }

    private static Options options(Arguments arguments) throws ConfigException {
        return BackendOptions.of(arguments.object("backend"));
    }

    private static Map<String, Object> made(Chardev chardev) {
        String filename = chardev.filename();
        return filename.startsWith(PTY_PREFIX) ? Map.of("pty", filename.substring(PTY_PREFIX.length())) : Map.of();
    }
}
