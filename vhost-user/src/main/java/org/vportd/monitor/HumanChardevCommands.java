package org.vportd.monitor;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.InvalidOptionException;
import org.vportd.chardev.Options;
import org.vportd.monitor.HumanCommand.Action;
import org.vportd.monitor.HumanCommand.Kind;
import org.vportd.monitor.HumanCommand.Parameter;

/** The commands about chardevs, in the form that people type. */
final class HumanChardevCommands {
    /** What is read at once at most: each byte may take six characters to show. */
    private static final long MAX_READ_BYTES = 1 << 20;

    private static final Parameter ID = Parameter.of("id", Kind.CHARDEV);
    private static final Parameter RINGBUF = Parameter.of("device", Kind.RINGBUF);
    private static final Parameter CONSOLE = Parameter.of("device", Kind.CONSOLE);
    private static final Set<String> HELP = Set.of("help", "?");
    private static final Parameter HUB = Parameter.of("hub", Kind.HUB);
    private static final Parameter MEMBER = Parameter.of("member", Kind.CHARDEV);

    private final Chardevs chardevs;
    private final CommandTable commands;

    HumanChardevCommands(MonitorEnvironment environment, CommandTable commands) {
        this.chardevs = environment.chardevs();
        this.commands = commands;
    }

    void addTo(HumanCommandTable table) {
        table.add(new HumanCommand(
                "chardev-add",
                List.of(Parameter.of("args", Kind.CHARDEV_OPTIONS)),
                "add a character device, as TYPE,id=ID,KEY=VALUE...",
                this::add));
        table.add(new HumanCommand(
                "chardev-change",
                List.of(ID, Parameter.of("args", Kind.CHARDEV_OPTIONS)),
                "put another character device in the place of one, as TYPE,KEY=VALUE...",
                this::change));
        table.add(new HumanCommand(
                "chardev-remove",
                List.of(ID),
                "remove a character device",
                Action.of(commands, "chardev-remove", "id")));
        table.add(new HumanCommand(
                "chardev-send-break",
                List.of("sendbreak"),
                List.of(ID),
                "send a break to the user of a character device",
                Action.of(commands, "chardev-send-break", "id")));
        table.add(new HumanCommand(
                "ringbuf_write",
                List.of(RINGBUF, Parameter.of("data", Kind.OTHER)),
                "put text into a ring buffer",
                Action.of(commands, "ringbuf-write", "device", "data")));
        table.add(new HumanCommand(
                "ringbuf_read",
                List.of(RINGBUF, Parameter.of("size", Kind.NUMBER)),
                "take bytes out of a ring buffer, 1M at most",
                this::read));
        table.add(new HumanCommand(
                "hub-add",
                List.of(HUB, MEMBER, Parameter.optional("options", Kind.OPTIONS)),
                "have a hub use one more character device, as slow=throttle|skip,replay=SIZE",
                this::addMember));
        table.add(new HumanCommand(
                "hub-remove",
                List.of(HUB, MEMBER),
                "have a hub let a character device go",
                call -> commands.run(
                        "hub-remove",
                        Map.of("id", call.word("hub"), "chardev", call.word("member")),
                        call.requester())));
        table.add(new HumanCommand("vc-read", List.of(CONSOLE), "show the screen of a text console", this::readScreen));
        table.add(new HumanCommand(
                "vc-type",
                List.of(CONSOLE, Parameter.of("data", Kind.OTHER)),
                "type at a text console",
                Action.of(commands, "vc-type", "device", "data")));
    }

    private void add(HumanCall call) throws ConfigException {
        if (helped(call)) {
            return;
        }
        try {
            Options options = call.options("args", "backend");
            Chardev unused = chardevs.add(options);
            chardevs.notice(options).ifPresent(call::say);
        } catch (InvalidOptionException e) {
            throw misread(e, call);
        }
    }

    private void change(HumanCall call) throws ConfigException {
        if (helped(call)) {
            return;
        }
        try {
            Options options = call.options("args", "backend");
            if (options.id() != null) {
                throw new ConfigException("Unexpected 'id' parameter", "the new one has the id of the old one");
            }
            chardevs.change(call.word("id"), options).notice().ifPresent(call::say);
        } catch (InvalidOptionException e) {
            throw misread(e, call);
        }
    }

    /** Shows the types, or what the one takes that is named, if there is a word for help among the options. */
    private boolean helped(HumanCall call) {
        List<String> words = List.of(call.word("args").split(",", -1));
        String type = words.get(0);
        if (HELP.contains(type)) {
            show("Available chardev backend types: ", chardevs.typeNames(), call);
        } else if (words.stream().anyMatch(HELP::contains)
                && chardevs.typeNames().contains(type)) {
            show(type + " options:", chardevs.keys(type), call);
        } else {
            return false;
        }
        return true;
    }

    private static void show(String title, Collection<String> names, HumanCall call) {
        call.say(title);
        new TreeSet<>(names).forEach(name -> call.say("  " + name));
    }

    private static ConfigException misread(InvalidOptionException e, HumanCall call) {
        call.explain(e);
        return new ConfigException("Parsing chardev args failed");
    }

    private void readScreen(HumanCall call) throws ConfigException, QmpException {
        Object screen = commands.run("vc-read", Map.of("device", call.word("device")), call.requester());
        if (screen instanceof Map<?, ?> map && map.get("lines") instanceof List<?> lines) {
            lines.forEach(line -> call.say(String.valueOf(line)));
        }
    }

    private void read(HumanCall call) throws ConfigException, QmpException {
        long size = Math.min(call.number("size"), MAX_READ_BYTES);
        Object bytes = commands.run(
                "ringbuf-read",
                Map.of("device", call.word("device"), "size", size, "format", "base64"), // as text, some bytes are lost
                call.requester());
        call.say(printable(new String(Base64.getDecoder().decode(String.valueOf(bytes)), StandardCharsets.UTF_8)));
    }

    /** Has each character shown, and none of them mean anything to a terminal. */
    private static String printable(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.chars().forEach(c -> {
            if (c == '\\') {
                out.append("\\\\");
            } else if (Character.isISOControl(c) && c != '\n' && c != '\t') {
                out.append(String.format("\\u%04X", c));
            } else {
                out.append((char) c);
            }
        });
        return out.toString();
    }

    private void addMember(HumanCall call) throws ConfigException, QmpException {
        Map<String, String> arguments = new HashMap<>();
        arguments.put("id", call.word("hub"));
        arguments.put("chardev", call.word("member"));
        if (call.has("options")) {
            Options options = call.options("options", "slow");
            options.accept(Set.of("slow", "replay"));
            options.keys().forEach(key -> arguments.put(key, options.string(key, "")));
        }
        commands.run("hub-add", arguments, call.requester());
    }
}
