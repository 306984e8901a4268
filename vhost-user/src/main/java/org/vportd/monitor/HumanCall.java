package org.vportd.monitor;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/** A command that somebody has typed, with what it has to say. */
final class HumanCall {
    private static final Pattern NUMBER = Pattern.compile("[+-]?(0[xX][0-9a-fA-F]+|[0-9]+)");

    private final HumanCommand command;
    private final String typed;
    private final List<String> words;
    private final Requester requester;
    private final StringBuilder out;

    /**
     * Checks how many words there are.
     *
     * @param typed the command's name as it was typed
     * @param rest the words after that
     * @param out where it writes to
     */
    HumanCall(HumanCommand command, String typed, CommandWords rest, Requester requester, StringBuilder out)
            throws MisreadException {
        this.command = command;
        this.typed = typed;
        this.words = rest.words();
        this.requester = requester;
        this.out = out;
        List<HumanCommand.Parameter> parameters = command.parameters();
        String fault = rest.fault();
        if (words.size() > parameters.size() || (fault != null && words.size() == parameters.size())) {
            throw extraneous();
        }
        if (fault != null) {
            throw MisreadException.of(typed, fault + "\n" + command.names() + ": string expected");
        }
        if (words.size() < parameters.size() && !parameters.get(words.size()).isOptional()) {
            boolean isNumber = parameters.get(words.size()).kind() == HumanCommand.Kind.NUMBER;
            throw MisreadException.of(
                    typed, isNumber ? "unexpected end of expression" : command.names() + ": string expected");
        }
    }

    private MisreadException extraneous() {
        return MisreadException.of(typed, command.names() + ": extraneous characters at the end of line");
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

    /** A number of 32 bits, without a sign. */
    long number(String parameter) throws MisreadException {
        String word = word(parameter);
        Matcher number = NUMBER.matcher(word);
        if (!number.lookingAt()) {
            throw MisreadException.of(
                    typed,
                    word.isEmpty()
                            ? "unexpected end of expression"
                            : "invalid char '" + word.charAt(0) + "' in expression");
        }
        if (number.end() < word.length()) {
            throw extraneous();
        }
        try {
            long value = Long.decode(word);
            if (value >>> Integer.SIZE != 0) {
                throw MisreadException.of(typed, "'" + command.names() + "' has failed: integer is for 32-bit values");
            }
            return value;
        } catch (NumberFormatException e) {
            throw MisreadException.of(typed, "number too large"); // or digits of another base
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
