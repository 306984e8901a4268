package org.vportd.monitor;

import java.util.List;
import org.vportd.chardev.ConfigException;
import org.vportd.monitor.HumanCommand.Kind;
import org.vportd.monitor.HumanCommand.Parameter;
import org.vportd.monitor.line.Completer;

/** Carries out commands in the form that people type. Each does what the QMP command for the same purpose does. */
final class HumanCommands {
    private static final String INFO = "info";

    private final HumanCommandTable table = new HumanCommandTable();
    private final HumanCommandTable information = new HumanCommandTable();
    private final HumanCompleter completer;

    HumanCommands(MonitorEnvironment environment, CommandTable commands) {
        table.add(new HumanCommand(
                "help",
                List.of("?"),
                List.of(Parameter.optional("cmd", Kind.COMMAND), Parameter.optional("subcommand", Kind.INFORMATION)),
                "show the commands, or one of them",
                this::help));
        table.add(new HumanCommand(
                INFO,
                List.of(Parameter.optional("subcommand", Kind.INFORMATION)),
                "show how things are; alone: what there is to show",
                call -> list(information, INFO + " ", call)));
        new HumanInformation(environment).addTo(information);
        new HumanChardevCommands(environment, commands).addTo(table);
        new HumanDeviceCommands(environment, commands).addTo(table);
        ConsoleCommands.addTo(table, commands);
        completer = new HumanCompleter(environment, table, information);
    }

    /** What can be typed next. */
    Completer completer() {
        return completer;
    }

    /**
     * Carries out a line.
     *
     * @param requester whose descriptors commands mean, and who hears the answer
     * @return what a person is to be shown, in lines that end with {@code \n}; empty if there is nothing to say
     */
    String execute(String line, Requester requester) {
        StringBuilder out = new StringBuilder();
        try {
            CommandWords words = new CommandWords(line);
            if (!words.words().isEmpty()) {
                run(words, requester, out);
            }
        } catch (MisreadException e) {
            out.append(e.lines());
        } catch (QmpException e) {
            out.append(error(String.valueOf(e.getMessage()), ""));
        } catch (ConfigException e) {
            out.append(error(String.valueOf(e.getMessage()), e.hint()));
        }
        return out.toString();
    }

    /** An error as it is shown. */
    static String error(String message, String hint) {
        return "Error: " + message + "\n" + (hint.isEmpty() ? "" : hint + "\n");
    }

    /** Runs the command that the first word names, or two. */
    private void run(CommandWords line, Requester requester, StringBuilder out) throws ConfigException, QmpException {
        String typed = line.words().get(0);
        CommandWords rest = line.without(1);
        HumanCommand command = table.find(typed);
        if (command != null && command.name().equals(INFO) && !rest.words().isEmpty()) {
            String subject = rest.words().get(0);
            typed += " " + subject;
            rest = rest.without(1);
            command = information.find(subject);
        }
        if (command == null) {
            throw MisreadException.unknown(typed);
        }
        command.action().run(new HumanCall(command, typed, rest, requester, out));
    }

    private void help(HumanCall call) throws ConfigException {
        if (!call.has("cmd")) {
            list(table, "", call);
            return;
        }
        HumanCommand command = table.find(call.word("cmd"));
        if (command == null) {
            throw MisreadException.unknown(call.word("cmd"));
        }
        boolean isInfo = command.name().equals(INFO);
        if (call.has("subcommand")) {
            HumanCommand about = isInfo ? information.find(call.word("subcommand")) : null;
            if (about == null) {
                throw MisreadException.unknown(command.name() + " " + call.word("subcommand"));
            }
            call.say(INFO + " " + about.usage());
            return;
        }
        call.say(command.usage());
        if (isInfo) {
            list(information, INFO + " ", call);
        }
    }

    private static void list(HumanCommandTable from, String prefix, HumanCall call) {
        from.all().forEach(command -> call.say(prefix + command.usage()));
    }
}
