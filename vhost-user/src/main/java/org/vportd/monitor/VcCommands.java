package org.vportd.monitor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.console.ScreenView;
import org.vportd.chardev.console.VcChardev;
import org.vportd.monitor.schema.ArrayType;
import org.vportd.monitor.schema.Builtin;
import org.vportd.monitor.schema.IntegerType;
import org.vportd.monitor.schema.Member;
import org.vportd.monitor.schema.ObjectType;

/** The commands that look at text consoles and type at them, which QEMU does not have. */
final class VcCommands {
    private static final ObjectType READ = ObjectType.of(
            "vc-read", Member.required("device", Builtin.STR), Member.optional("history", IntegerType.UINT32));
    private static final ObjectType TYPE =
            ObjectType.of("vc-type", Member.required("device", Builtin.STR), Member.required("data", Builtin.STR));
    private static final ObjectType SCREEN = ObjectType.of(
            "VcScreen",
            Member.required("cols", IntegerType.INT),
            Member.required("rows", IntegerType.INT),
            Member.required("cursor-col", IntegerType.INT),
            Member.required("cursor-row", IntegerType.INT),
            Member.required("history", new ArrayType(Builtin.STR)),
            Member.required("lines", new ArrayType(Builtin.STR)));

    private final Chardevs chardevs;

    VcCommands(Chardevs chardevs) {
        this.chardevs = chardevs;
    }

    void addTo(CommandTable table) {
        table.add("vc-read", READ, SCREEN, (arguments, session) -> {
            VcChardev console = find(arguments);
            int lines = (int) Math.min(arguments.integer("history"), Integer.MAX_VALUE);
            return screen(console.screen(), console.history(lines));
        });
        table.add("vc-type", TYPE, IntegerType.INT, (arguments, session) ->
                (long) find(arguments).type(arguments.string("data")));
    }

    private VcChardev find(Arguments arguments) throws QmpException {
        return NamedChardevs.device(chardevs, arguments.string("device"), VcChardev.class, "vc");
    }

    private static Map<String, Object> screen(ScreenView screen, List<String> history) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("cols", (long) screen.columns());
        json.put("rows", (long) screen.rows());
        json.put("cursor-col", (long) screen.cursorColumn());
        json.put("cursor-row", (long) screen.cursorRow());
        json.put("history", history);
        json.put("lines", screen.lines());
        return json;
    }
}
