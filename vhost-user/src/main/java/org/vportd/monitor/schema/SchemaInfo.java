package org.vportd.monitor.schema;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Puts together the answer to {@code query-qmp-schema}: commands, events, and all types that these lead to. Types that are
 * no kinds of JSON get numbers for names, so that clients look at what they are.
 */
public final class SchemaInfo {
    private final List<Object> entries = new ArrayList<>();
    private final Map<Type, String> names = new HashMap<>();
    private final List<Type> pending = new ArrayList<>();
    private int masked;

    /** Begins an empty one. */
    public SchemaInfo() {}

    /** Adds a command. */
    public void addCommand(String name, ObjectType arguments, Type result, boolean allowsOutOfBand) {
        Map<String, @Nullable Object> info = entry(name, "command");
        info.put("arg-type", nameOf(arguments));
        info.put("ret-type", nameOf(result));
        if (allowsOutOfBand) {
            info.put("allow-oob", true);
        }
    }

    /** Adds an event. */
    public void addEvent(String name, ObjectType data) {
        entry(name, "event").put("arg-type", nameOf(data));
    }

    /** All of it. */
    public List<Object> entries() {
        for (int i = 0; i < pending.size(); i++) { // grows meanwhile
            describe(pending.get(i));
        }
        pending.clear();
        return entries;
    }

    private Map<String, @Nullable Object> entry(String name, String metaType) {
        Map<String, @Nullable Object> info = new LinkedHashMap<>();
        info.put("name", name);
        info.put("meta-type", metaType);
        entries.add(info);
        return info;
    }

    private String nameOf(Type type) {
        Type shown = type instanceof IntegerType ? IntegerType.INT : type; // ranges are not told
        String known = names.get(shown);
        if (known != null) {
            return known;
        }
        String name = newName(shown);
        names.put(shown, name);
        pending.add(shown);
        return name;
    }

    private String newName(Type type) {
        if (type instanceof Builtin builtin) {
            return builtin.schemaName();
        }
        if (type instanceof IntegerType) {
            return "int";
        }
        return type instanceof ArrayType array ? "[" + nameOf(array.element()) + "]" : String.valueOf(masked++);
    }

    private void describe(Type type) {
        String name = nameOf(type);
        if (type instanceof Builtin builtin) {
            entry(name, "builtin").put("json-type", builtin.jsonType());
        } else if (type instanceof IntegerType) {
            entry(name, "builtin").put("json-type", "int");
        } else if (type instanceof EnumType choice) {
            Map<String, @Nullable Object> info = entry(name, "enum");
            info.put(
                    "members",
                    choice.values().stream().map(value -> Map.of("name", value)).toList());
            info.put("values", choice.values());
        } else if (type instanceof ArrayType array) {
            entry(name, "array").put("element-type", nameOf(array.element()));
        } else if (type instanceof AlternateType alternate) {
            entry(name, "alternate")
                    .put(
                            "members",
                            alternate.alternatives().stream()
                                    .map(each -> Map.of("type", nameOf(each)))
                                    .toList());
        } else if (type instanceof ObjectType object) {
            describe(name, object);
        }
    }

    private void describe(String name, ObjectType object) {
        Map<String, @Nullable Object> info = entry(name, "object");
        info.put("members", object.members().stream().map(this::member).toList());
        if (object.tag() != null) {
            info.put("tag", object.tag());
            info.put("variants", variants(object));
        }
    }

    private Map<String, @Nullable Object> member(Member member) {
        Map<String, @Nullable Object> info = new LinkedHashMap<>();
        info.put("name", member.name());
        info.put("type", nameOf(member.type()));
        if (member.optional()) {
            info.put("default", null);
        }
        return info;
    }

    /** One for each value of the tag, also where nothing is added to the common members. */
    private List<Object> variants(ObjectType object) {
        List<Object> list = new ArrayList<>();
        for (Member member : object.members()) {
            if (member.name().equals(object.tag()) && member.type() instanceof EnumType choice) {
                for (String value : choice.values()) {
                    ObjectType variant = object.variants().getOrDefault(value, ObjectType.EMPTY);
                    list.add(Map.of("case", value, "type", nameOf(variant)));
                }
            }
        }
        return list;
    }
}
