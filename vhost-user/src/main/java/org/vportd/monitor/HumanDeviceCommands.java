package org.vportd.monitor;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.monitor.HumanCommand.Action;
import org.vportd.monitor.HumanCommand.Kind;
import org.vportd.monitor.HumanCommand.Parameter;

/** The commands about devices, objects, descriptors and the program, in the form that people type. */
final class HumanDeviceCommands {
    private static final Parameter NAME = Parameter.of("name", Kind.OTHER);

    private final MonitorEnvironment environment;
    private final CommandTable commands;

    HumanDeviceCommands(MonitorEnvironment environment, CommandTable commands) {
        this.environment = environment;
        this.commands = commands;
    }

    void addTo(HumanCommandTable table) {
        table.add(new HumanCommand(
                "device_add",
                List.of(Parameter.optional("device", Kind.DEVICE_OPTIONS)),
                "add a device, as DRIVER,KEY=VALUE...",
                this::addDevice));
        table.add(new HumanCommand(
                "device_del",
                List.of(Parameter.of("id", Kind.DEVICE)),
                "remove a device",
                Action.of(commands, "device_del", "id")));
        table.add(new HumanCommand(
                "object_add",
                List.of(Parameter.of("object", Kind.OBJECT_OPTIONS)),
                "make an object, as TYPE,id=ID,KEY=VALUE...",
                this::addObject));
        table.add(new HumanCommand(
                "object_del",
                List.of(Parameter.of("id", Kind.OTHER)),
                "remove an object",
                Action.of(commands, "object-del", "id")));
        table.add(new HumanCommand(
                "getfd",
                List.of(NAME),
                "give a name to a descriptor that was passed along",
                call -> commands.run("getfd", Map.of("fdname", call.word("name")), call.requester())));
        table.add(new HumanCommand(
                "closefd",
                List.of(NAME),
                "close a descriptor that has a name",
                call -> commands.run("closefd", Map.of("fdname", call.word("name")), call.requester())));
        table.add(new HumanCommand("quit", List.of("q"), List.of(), "end the program", Action.of(commands, "quit")));
    }

    private void addDevice(HumanCall call) throws ConfigException {
        Options options = call.options("device", "driver");
        present("driver", options.string("driver"));
        options.id(); // refuses one of a wrong form, unlike QMP
        environment.devices().add(options);
    }

    private void addObject(HumanCall call) throws ConfigException {
        Options options = call.options("object", "qom-type");
        String type = present("qom-type", options.string("qom-type"));
        String id = present("id", options.id());
        environment.objects().add(type, id, options.without("qom-type").without("id"));
    }

    private static String present(String key, @Nullable String value) throws ConfigException {
        if (value == null || value.isEmpty()) {
            throw new ConfigException("Parameter '" + key + "' is missing");
        }
        return value;
    }
}
