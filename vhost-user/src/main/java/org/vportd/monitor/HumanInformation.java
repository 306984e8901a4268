package org.vportd.monitor;

import java.util.List;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.mux.HubChardev;

/** What {@code info} can show. */
final class HumanInformation {
    private final MonitorEnvironment environment;

    HumanInformation(MonitorEnvironment environment) {
        this.environment = environment;
    }

    void addTo(HumanCommandTable table) {
        add(table, "chardev", "show the character devices", this::chardevs);
        add(
                table,
                "chardev-backends",
                "show the types of character device there are",
                call -> environment.chardevs().typeNames().forEach(call::say));
        add(table, "hub", "show the hubs and how their members are doing", this::hubs);
        add(table, "name", "show the name of this instance", call -> {
            String name = environment.name();
            if (name != null) {
                call.say(name);
            }
        });
        add(
                table,
                "ports",
                "show the ports and their state",
                call -> environment.tree().ports().forEach(call::say));
        add(
                table,
                "qtree",
                "show the device tree",
                call -> environment.tree().lines().forEach(call::say));
        add(table, "status", "show whether the device runs", call -> call.say("VM status: running"));
        add(table, "version", "show the version", call -> {
            VersionInfo version = environment.version();
            call.say(version.major() + "." + version.minor() + "." + version.micro() + " (" + version.programName()
                    + ")");
        });
    }

    private static void add(HumanCommandTable table, String name, String help, HumanCommand.Action action) {
        table.add(new HumanCommand(name, List.of(), help, action));
    }

    private void chardevs(HumanCall call) {
        for (Chardev chardev : environment.chardevs().all()) {
            call.say(chardev.id() + ": filename=" + chardev.filename());
        }
    }

    private void hubs(HumanCall call) {
        for (Chardev chardev : environment.chardevs().all()) {
            if (chardev instanceof HubChardev hub) {
                call.say(hub.id() + ": " + (hub.isOpen() ? "open" : "closed"));
                hub.members().forEach(member -> call.say("  " + describe(member)));
            }
        }
    }

    private static String describe(HubChardev.MemberStatus member) {
        return member.id() + ": " + (member.isOpen() ? "open" : "closed")
                + ", " + (member.isWriter() ? "writer" : "reader")
                + ", slow=" + (member.throttles() ? "throttle" : "skip")
                + ", ahead=" + member.aheadBytes()
                + ", skipped=" + member.skippedBytes();
    }
}
