package org.vportd.monitor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.vportd.chardev.socket.SocketChardev;
import org.vportd.monitor.schema.AlternateType;
import org.vportd.monitor.schema.ArrayType;
import org.vportd.monitor.schema.Builtin;
import org.vportd.monitor.schema.EnumType;
import org.vportd.monitor.schema.IntegerType;
import org.vportd.monitor.schema.Member;
import org.vportd.monitor.schema.ObjectType;

/** The commands that add, remove and look at devices and objects, and those that free a stuck connection. */
final class DeviceCommands {
    /** What else there is of a port has the form of its property; a number may be text, as on the command line. */
    static final ObjectType DEVICE_ADD = ObjectType.open(
            "device_add",
            Member.required("driver", Builtin.STR),
            Member.optional("bus", Builtin.STR),
            Member.optional("id", Builtin.STR),
            Member.optional("chardev", Builtin.STR),
            Member.optional("name", Builtin.STR),
            Member.optional("nr", new AlternateType("uint32_t", List.of(IntegerType.UINT32, Builtin.STR))));

    private static final ObjectType ID = ObjectType.of("by-id", Member.required("id", Builtin.STR));
    /** Of the kinds of instance that QEMU knows, there is only the one here. */
    private static final ArrayType INSTANCES = new ArrayType(ObjectType.union(
            "YankInstance",
            "type",
            EnumType.of("YankInstanceType", "block-node", "chardev", "migration"),
            Map.of(
                    "block-node",
                    ObjectType.of("YankInstanceBlockNode", Member.required("node-name", Builtin.STR)),
                    "chardev",
                    ID)));

    private final MonitorEnvironment environment;

    DeviceCommands(MonitorEnvironment environment) {
        this.environment = environment;
    }

    void addTo(CommandTable table) {
        table.add("device_add", DEVICE_ADD, ObjectType.EMPTY, (arguments, session) -> {
            environment.devices().add(FlatOptions.of(arguments.values()));
            return null;
        });
        table.add("device_del", ID, ObjectType.EMPTY, (arguments, session) -> {
            environment.devices().remove(arguments.string("id"));
            return null;
        });
        table.add("object-add", ObjectSchema.OPTIONS, ObjectType.EMPTY, (arguments, session) -> {
            Map<Object, Object> rest = new LinkedHashMap<>(arguments.values());
            rest.remove("qom-type");
            rest.remove("id");
            environment.objects().add(arguments.string("qom-type"), arguments.string("id"), FlatOptions.of(rest));
            return null;
        });
        table.add("object-del", ID, ObjectType.EMPTY, (arguments, session) -> {
            environment.objects().remove(arguments.string("id"));
            return null;
        });
        table.addOutOfBand(
                "yank",
                ObjectType.of("yank", Member.required("instances", INSTANCES)),
                ObjectType.EMPTY,
                (arguments, session) -> {
                    yank(arguments.list("instances"));
                    return null;
                });
        table.addOutOfBand(
                "query-yank",
                ObjectType.EMPTY,
                INSTANCES,
                (arguments, session) -> sockets().stream()
                        .map(socket -> Members.of("type", "chardev", "id", socket.id()))
                        .toList());
    }

    private List<SocketChardev> sockets() {
        return environment.chardevs().all().stream()
                .filter(SocketChardev.class::isInstance)
                .map(SocketChardev.class::cast)
                .toList();
    }

    /** Either all instances are there, or nothing happens. */
    private void yank(List<?> instances) throws DeviceNotFoundException {
        List<SocketChardev> sockets = sockets();
        List<?> ids = instances.stream()
                .map(each -> each instanceof Map<?, ?> instance ? instance.get("id") : null)
                .toList();
        for (Object id : ids) {
            if (sockets.stream().noneMatch(socket -> socket.id().equals(id))) {
                throw new DeviceNotFoundException("Instance not found");
            }
        }
        sockets.stream().filter(socket -> ids.contains(socket.id())).forEach(SocketChardev::disconnect);
    }
}
