package org.vportd.monitor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.WindowSize;
import org.vportd.monitor.HumanCommand.Kind;
import org.vportd.monitor.HumanCommand.Parameter;
import org.vportd.monitor.schema.Builtin;
import org.vportd.monitor.schema.IntegerType;
import org.vportd.monitor.schema.Member;
import org.vportd.monitor.schema.ObjectType;

/** The commands that tell the guest the size of a console, which QEMU does not have. */
final class ConsoleCommands {
    private static final IntegerType LENGTH =
            new IntegerType("an integer from 1 to " + WindowSize.MAX, 1, WindowSize.MAX);
    private static final ObjectType RESIZE = ObjectType.of(
            "console-resize",
            Member.optional("id", Builtin.STR),
            Member.optional("port", IntegerType.UINT32),
            Member.required("cols", LENGTH),
            Member.required("rows", LENGTH));

    private final DeviceControl devices;

    ConsoleCommands(DeviceControl devices) {
        this.devices = devices;
    }

    void addTo(CommandTable table) {
        table.add("console-resize", RESIZE, ObjectType.EMPTY, (arguments, session) -> {
            resize(arguments);
            return null;
        });
    }

    private void resize(Arguments arguments) throws ConfigException, QmpException {
        boolean byId = arguments.values().containsKey("id");
        if (byId == arguments.values().containsKey("port")) {
            throw new QmpException(
                    byId ? "'id' and 'port' are mutually exclusive" : "one of 'id' and 'port' is required");
        }
        WindowSize size = new WindowSize((int) arguments.integer("cols"), (int) arguments.integer("rows"));
        if (byId) {
            devices.resizeConsole(arguments.string("id"), size);
        } else {
            devices.resizeConsole(arguments.integer("port"), size);
        }
    }

    /** The same in the form that people type. */
    static void addTo(HumanCommandTable table, CommandTable commands) {
        table.add(new HumanCommand(
                "console_resize",
                List.of(
                        Parameter.of("console", Kind.DEVICE),
                        Parameter.of("cols", Kind.NUMBER),
                        Parameter.of("rows", Kind.NUMBER)),
                "tell the guest the size of a console, given by its id or by its port's number",
                call -> commands.run("console-resize", arguments(call), call.requester())));
    }

    private static Map<String, Object> arguments(HumanCall call) throws ConfigException {
        Map<String, Object> arguments = new LinkedHashMap<>();
        String console = call.word("console");
        if (console.chars().allMatch(Character::isDigit)) { // ids begin with a letter
            arguments.put("port", call.number("console"));
        } else {
            arguments.put("id", console);
        }
        arguments.put("cols", length(call, "cols"));
        arguments.put("rows", length(call, "rows"));
        return arguments;
    }

    private static long length(HumanCall call, String parameter) throws ConfigException {
        long length = call.number(parameter);
        if (length < LENGTH.min() || length > LENGTH.max()) {
            throw new ConfigException("Parameter '" + parameter + "' expects " + LENGTH.name());
        }
        return length;
    }
}
