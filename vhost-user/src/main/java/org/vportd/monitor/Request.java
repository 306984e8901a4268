package org.vportd.monitor;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request of a client, of the right form; whether there is such a command is another question.
 *
 * @param command its name
 * @param outOfBand whether it asks to overtake others
 * @param arguments its arguments, empty if there are none
 */
record Request(String command, boolean outOfBand, Map<?, ?> arguments) {
    private static final String EXECUTE = "execute";
    private static final String EXEC_OOB = "exec-oob";

    /**
     * Reads a request.
     *
     * @param outOfBandEnabled whether the client has asked for that ability
     */
    static Request of(Map<?, ?> members, boolean outOfBandEnabled) throws QmpException {
        String how = null;
        String command = "";
        Map<?, ?> arguments = Map.of();
        for (Map.Entry<?, ?> member : members.entrySet()) {
            String name = String.valueOf(member.getKey());
            Object value = member.getValue();
            switch (name) {
                case "id" -> {}
                case "arguments" -> arguments = object(name, value);
                case EXECUTE, EXEC_OOB -> {
                    if (name.equals(EXEC_OOB) && !outOfBandEnabled) {
                        throw unexpected(name);
                    }
                    command = string(name, value);
                    if (how != null) {
                        throw new QmpException("QMP input member '" + name + "' clashes with '" + how + "'");
                    }
                    how = name;
                }
                default -> throw unexpected(name);
            }
        }
        if (how == null) {
            throw new QmpException("QMP input lacks member '" + EXECUTE + "'");
        }
        return new Request(command, how.equals(EXEC_OOB), arguments);
    }

    private static QmpException unexpected(String name) {
        return new QmpException("QMP input member '" + name + "' is unexpected");
    }

    private static String string(String name, @Nullable Object value) throws QmpException {
        if (value instanceof String text) {
            return text;
        }
        throw new QmpException("QMP input member '" + name + "' must be a string");
    }

    private static Map<?, ?> object(String name, @Nullable Object value) throws QmpException {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new QmpException("QMP input member '" + name + "' must be an object");
    }
}
