package org.vportd.monitor;

import java.util.List;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/** A command that somebody has typed, with what it has to say. */
final class HumanCall {
    private final HumanCommand command;
    private final List<String> words;
    private final Requester requester;
    private final StringBuilder out;

    /**
     * Checks how many words there are.
     *
     * @param words those after the command's name
     * @param out where it writes to
     */
    HumanCall(HumanCommand command, List<String> words, Requester requester, StringBuilder out) throws ConfigException {
        this.command = command;
        this.words = words;
        this.requester = requester;
        this.out = out;
        if (words.size() > command.parameters().size()) {
            throw misused("extraneous characters at the end of line");
        }
        for (int i = words.size(); i < command.parameters().size(); i++) {
            HumanCommand.Parameter missing = command.parameters().get(i);
            if (!missing.isOptional()) {
                throw misused("'" + missing.name() + "' expected");
            }
        }
    }

    private ConfigException misused(String how) {
        return new ConfigException(command.name() + ": " + how, "Usage: " + command.usage());
    }

    Requester requester() {
        return requester;
    }

    /** Where it writes to. */
    StringBuilder out() {
        return out;
    }

    boolean has(String parameter) {
        return index(parameter) < words.size();
    }

    String word(String parameter) {
        return words.get(index(parameter));
    }

    private int index(String parameter) {
        List<HumanCommand.Parameter> parameters = command.parameters();
        for (int i = 0; i < parameters.size(); i++) {
            if (parameters.get(i).name().equals(parameter)) {
                return i;
            }
        }
        throw new IllegalArgumentException("command=" + command.name() + " parameter=" + parameter);
    }

    long number(String parameter) throws ConfigException {
        String word = word(parameter);
        try {
            return Long.decode(word);
        } catch (NumberFormatException e) {
            throw new ConfigException("Parameter '" + parameter + "' expects a number", "got '" + word + "'");
        }
    }

    /** A word in the syntax of the command line, empty if it is missing. */
    Options options(String parameter, String impliedKey) {
        return Options.parse(has(parameter) ? word(parameter) : "", impliedKey, warning -> say("warning: " + warning));
    }

    void say(String line) {
        out.append(line).append('\n');
    }

    /** Says what was wrong, and what more there is to know of it. */
    void explain(ConfigException e) {
        say(String.valueOf(e.getMessage()));
        if (!e.hint().isEmpty()) {
            say(e.hint());
        }
    }
}
