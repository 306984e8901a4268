package org.vportd.monitor;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.socket.SocketChardev;
import org.vportd.monitor.schema.ArrayType;
import org.vportd.monitor.schema.Builtin;
import org.vportd.monitor.schema.Member;
import org.vportd.monitor.schema.ObjectType;

/**
 * The commands that look at the tree of objects: devices, chardevs and what else there is, in the places where clients of
 * QEMU look for them. It is put together for each command.
 */
final class ObjectTree {
    private static final String TYPE = "type";
    private static final String CHARDEVS_PATH = "/chardevs";
    private static final String OBJECTS_PATH = "/objects";
    private static final List<String> CONTAINERS =
            List.of("", "/machine", "/machine/peripheral", "/machine/peripheral-anon", CHARDEVS_PATH, OBJECTS_PATH);

    private static final ObjectType LIST = ObjectType.of("qom-list", Member.required("path", Builtin.STR));
    private static final ObjectType GET =
            ObjectType.of("qom-get", Member.required("path", Builtin.STR), Member.required("property", Builtin.STR));
    private static final ObjectType PROPERTY_INFO = ObjectType.of(
            "ObjectPropertyInfo", Member.required("name", Builtin.STR), Member.required(TYPE, Builtin.STR));

    private final MonitorEnvironment environment;

    ObjectTree(MonitorEnvironment environment) {
        this.environment = environment;
    }

    void addTo(CommandTable table) {
        table.add("qom-list", LIST, new ArrayType(PROPERTY_INFO), (arguments, session) -> list(arguments));
        table.add("qom-get", GET, Builtin.ANY, (arguments, session) -> property(arguments));
    }

    /** The properties of all objects by path; the root's path is empty here. */
    private Map<String, Map<String, Object>> objects() {
        Map<String, Map<String, Object>> objects = new LinkedHashMap<>();
        CONTAINERS.forEach(path -> objects.put(path, Map.of(TYPE, "container")));
        objects.putAll(environment.tree().objects());
        Chardevs chardevs = environment.chardevs();
        for (Chardev chardev : chardevs.all()) {
            String type = "chardev-" + chardevs.typeName(chardev);
            objects.put(
                    CHARDEVS_PATH + "/" + chardev.id(),
                    chardev instanceof SocketChardev socket
                            ? Map.of(TYPE, type, "connected", socket.isOpen(), "addr", socket.address())
                            : Map.of(TYPE, type));
        }
        environment.objects().types().forEach((id, type) -> objects.put(OBJECTS_PATH + "/" + id, Map.of(TYPE, type)));
        return objects;
    }

    /** Finds the one that a path means: a whole one from the root, or the end of one. */
    private static String find(Set<String> paths, String given) throws ConfigException {
        StringBuilder whole = new StringBuilder();
        for (String step : given.split("/", -1)) {
            if (!step.isEmpty()) {
                whole.append('/').append(step);
            }
        }
        String path = whole.toString();
        List<String> found = paths.stream()
                .filter(each -> given.startsWith("/") ? each.equals(path) : each.endsWith(path))
                .toList();
        if (found.isEmpty()) {
            throw DeviceNotFoundException.ofDevice(given);
        }
        if (found.size() > 1) {
            throw new ConfigException("Path '" + given + "' is ambiguous");
        }
        return found.get(0);
    }

    private List<Object> list(Arguments arguments) throws ConfigException {
        Map<String, Map<String, Object>> objects = objects();
        String path = find(objects.keySet(), arguments.string("path"));
        List<Object> infos = new ArrayList<>();
        infos.add(info(TYPE, "string"));
        objects.getOrDefault(path, Map.of()).forEach((name, value) -> {
            if (!name.equals(TYPE)) {
                infos.add(info(name, typeOf(value)));
            }
        });
        objects.forEach((each, properties) -> {
            String name = each.startsWith(path + "/") ? each.substring(path.length() + 1) : "";
            if (!name.isEmpty() && (name.indexOf('/') < 0 || path.equals(CHARDEVS_PATH))) { // ids may have any form
                infos.add(info(name, "child<" + properties.get(TYPE) + ">"));
            }
        });
        return infos;
    }

    private static Map<String, Object> info(String name, String type) {
        return Members.of("name", name, TYPE, type);
    }

    private static String typeOf(Object value) {
        if (value instanceof Boolean) {
            return "bool";
        }
        if (value instanceof Number) {
            return "uint32";
        }
        return value instanceof Map ? "SocketAddress" : "str";
    }

    private Object property(Arguments arguments) throws ConfigException {
        Map<String, Map<String, Object>> objects = objects();
        Map<String, Object> properties =
                objects.getOrDefault(find(objects.keySet(), arguments.string("path")), Map.of());
        String name = arguments.string("property");
        Object value = properties.get(name);
        if (value == null) {
            throw new ConfigException("Property '" + properties.get(TYPE) + "." + name + "' not found");
        }
        return value;
    }
}
