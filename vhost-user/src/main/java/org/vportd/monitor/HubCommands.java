package org.vportd.monitor;

import java.util.LinkedHashMap;
import java.util.Map;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.Options;
import org.vportd.chardev.mux.HubChardev;
import org.vportd.monitor.schema.ArrayType;
import org.vportd.monitor.schema.Builtin;
import org.vportd.monitor.schema.EnumType;
import org.vportd.monitor.schema.IntegerType;
import org.vportd.monitor.schema.Member;
import org.vportd.monitor.schema.ObjectType;

/** The commands for the members of a hub, which QEMU does not have. */
final class HubCommands {
    private static final ObjectType ADD = ObjectType.of(
            "hub-add",
            Member.required("id", Builtin.STR),
            Member.required("chardev", Builtin.STR),
            Member.optional("slow", EnumType.of("HubSlow", "throttle", "skip")),
            Member.optional("replay", IntegerType.SIZE));
    private static final ObjectType REMOVE =
            ObjectType.of("hub-remove", Member.required("id", Builtin.STR), Member.required("chardev", Builtin.STR));
    private static final ObjectType QUERY = ObjectType.of("query-hub", Member.required("id", Builtin.STR));
    private static final ObjectType INFO = ObjectType.of(
            "HubMemberInfo",
            Member.required("id", Builtin.STR),
            Member.required("open", Builtin.BOOL),
            Member.required("writer", Builtin.BOOL),
            Member.required("slow", EnumType.of("HubSlow", "throttle", "skip")),
            Member.required("ahead", IntegerType.SIZE),
            Member.required("skipped", IntegerType.SIZE));

    private final Chardevs chardevs;

    HubCommands(Chardevs chardevs) {
        this.chardevs = chardevs;
    }

    void addTo(CommandTable table) {
        table.add("hub-add", ADD, ObjectType.EMPTY, (arguments, session) -> {
            find(arguments, "id").addMember(find(arguments, "chardev"), memberOptions(arguments));
            return null;
        });
        table.add("hub-remove", REMOVE, ObjectType.EMPTY, (arguments, session) -> {
            find(arguments, "id").removeMember(arguments.string("chardev"));
            return null;
        });
        table.add("query-hub", QUERY, new ArrayType(INFO), (arguments, session) -> {
            Chardev chardev = find(arguments, "id");
            if (chardev instanceof HubChardev hub) {
                return hub.members().stream().map(HubCommands::info).toList();
            }
            throw new QmpException(chardev.id() + " is not a hub");
        });
    }

    private Chardev find(Arguments arguments, String key) throws QmpException {
        return NamedChardevs.find(chardevs, arguments.string(key));
    }

    private static Options memberOptions(Arguments arguments) {
        Map<String, String> values = new LinkedHashMap<>();
        for (String key : new String[] {"slow", "replay"}) {
            Object value = arguments.values().get(key);
            if (value != null) {
                values.put(key, value.toString());
            }
        }
        return Options.of(values);
    }

    private static Map<String, Object> info(HubChardev.MemberStatus member) {
        Map<String, Object> info = new LinkedHashMap<>();
        info.put("id", member.id());
        info.put("open", member.isOpen());
        info.put("writer", member.isWriter());
        info.put("slow", member.throttles() ? "throttle" : "skip");
        info.put("ahead", member.aheadBytes());
        info.put("skipped", member.skippedBytes());
        return info;
    }
}
