package org.vportd.monitor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.vportd.chardev.ConfigException;

/**
 * A command that people type.
 *
 * @param aliases other names
 * @param help what it does, in a line
 */
record HumanCommand(
        String name, List<String> aliases, List<Parameter> parameters, String help, HumanCommand.Action action) {
    /** What it does. */
    @FunctionalInterface
    interface Action {
        void run(HumanCall call) throws ConfigException, QmpException;

        /** Runs a command of QMP, whose arguments are the words of these names. */
        static Action of(CommandTable commands, String command, String... words) {
            return call -> {
                Map<String, String> arguments = new LinkedHashMap<>();
                for (String word : words) {
                    arguments.put(word, call.word(word));
                }
                commands.run(command, arguments, call.requester());
            };
        }
    }

    /** What kind of word is expected, which tells what could be typed there. */
    enum Kind {
        COMMAND,
        INFORMATION,
        CHARDEV,
        RINGBUF,
        HUB,
        CONSOLE,
        DEVICE,
        CHARDEV_OPTIONS,
        DEVICE_OPTIONS,
        OBJECT_OPTIONS,
        OPTIONS,
        NUMBER,
        OTHER
    }

    /** A word after the name. */
    record Parameter(String name, Kind kind, boolean isOptional) {
        static Parameter of(String name, Kind kind) {
            return new Parameter(name, kind, false);
        }

        static Parameter optional(String name, Kind kind) {
            return new Parameter(name, kind, true);
        }

        String syntax() {
            return isOptional ? "[" + name + "]" : name;
        }
    }

    HumanCommand(String name, List<Parameter> parameters, String help, Action action) {
        this(name, List.of(), parameters, help, action);
    }

    /** All its names. */
    String names() {
        return aliases.isEmpty() ? name : name + "|" + String.join("|", aliases);
    }

    /** The line about it in the list of commands. */
    String usage() {
        String words = parameters.stream().map(Parameter::syntax).collect(Collectors.joining(" "));
        return names() + (words.isEmpty() ? "" : " " + words) + " -- " + help;
    }
}
