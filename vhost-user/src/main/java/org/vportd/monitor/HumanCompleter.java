package org.vportd.monitor;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.backend.RingbufChardev;
import org.vportd.chardev.console.VcChardev;
import org.vportd.chardev.mux.HubChardev;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.monitor.HumanCommand.Kind;
import org.vportd.monitor.line.Completer;
import org.vportd.monitor.line.Completion;

/** Knows what people can type next: names of commands, ids of what there is, types of chardevs and their options. */
final class HumanCompleter implements Completer {
    private final MonitorEnvironment environment;
    private final HumanCommandTable commands;
    private final HumanCommandTable information;

    HumanCompleter(MonitorEnvironment environment, HumanCommandTable commands, HumanCommandTable information) {
        this.environment = environment;
        this.commands = commands;
        this.information = information;
    }

    @Override
    public Completion complete(String text) {
        int start = text.lastIndexOf(' ') + 1;
        List<String> before = new ArrayList<>();
        for (String word : text.substring(0, start).split(" ", -1)) {
            if (!word.isEmpty()) {
                before.add(word);
            }
        }
        if (before.isEmpty()) {
            return Completion.of(text, start, commands.names());
        }
        HumanCommand command = commands.find(before.get(0));
        if (command == null || before.size() > command.parameters().size()) {
            return Completion.NONE;
        }
        return complete(command.parameters().get(before.size() - 1).kind(), text, start);
    }

    private Completion complete(Kind kind, String text, int start) {
        Chardevs chardevs = environment.chardevs();
        DeviceControl devices = environment.devices();
        return switch (kind) {
            case COMMAND -> Completion.of(text, start, commands.names());
            case INFORMATION -> Completion.of(text, start, information.names());
            case CHARDEV -> Completion.of(text, start, ids(Chardev.class));
            case RINGBUF -> Completion.of(text, start, ids(RingbufChardev.class));
            case HUB -> Completion.of(text, start, ids(HubChardev.class));
            case CONSOLE -> Completion.of(text, start, ids(VcChardev.class));
            case DEVICE -> Completion.of(text, start, environment.tree().ids());
            case CHARDEV_OPTIONS -> option(text, start, chardevs.typeNames(), chardevs::keys);
            case DEVICE_OPTIONS -> option(text, start, devices.drivers(), devices::keys);
            case OBJECT_OPTIONS -> option(text, start, UserObjects.typeNames(), HumanCompleter::objectKeys);
            case OPTIONS, NUMBER, OTHER -> Completion.NONE;
        };
    }

    private List<String> ids(Class<? extends Chardev> type) {
        return environment.chardevs().all().stream()
                .filter(type::isInstance)
                .map(Chardev::id)
                .toList();
    }

    /** A type at first, then keys that are not there yet; the value of some keys is an id. */
    private Completion option(
            String text, int wordStart, Collection<String> types, Function<String, Set<String>> keysOf) {
        int start = Math.max(wordStart, text.lastIndexOf(',') + 1);
        int equals = text.indexOf('=', start);
        if (equals >= 0) {
            return isChardevKey(text.substring(start, equals))
                    ? Completion.of(text, equals + 1, ids(Chardev.class))
                    : Completion.NONE;
        }
        if (start == wordStart) {
            return Completion.of(
                    text, start, types.stream().map(type -> type + ",").toList());
        }
        String given = text.substring(wordStart, start);
        Set<String> keys = new TreeSet<>();
        for (String key : keysOf.apply(given.substring(0, given.indexOf(',')))) {
            if (!key.equals("backend") && !given.contains("," + key + "=")) {
                keys.add(key + "=");
            }
        }
        return Completion.of(text, start, keys);
    }

    private static Set<String> objectKeys(String type) {
        Set<String> keys = new TreeSet<>(Set.of("id"));
        if (UserObjects.typeNames().contains(type)) {
            keys.addAll(UserObjects.keys(type));
        }
        return keys;
    }

    private static boolean isChardevKey(String key) {
        return key.equals("chardev") || key.equals("mux-be-id") || key.startsWith("chardevs.");
    }
}
