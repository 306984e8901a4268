package org.vportd.monitor;

import org.vportd.chardev.ConfigException;

/** A line that somebody has typed is no command, or not of the form that the command has. In QEMU's words. */
final class MisreadException extends ConfigException {
    private static final long serialVersionUID = 1L;

    private MisreadException(String message, String advice) {
        super(message, advice);
    }

    /** There is no command of a name. */
    static MisreadException unknown(String name) {
        return new MisreadException("unknown command: '" + name + "'", "");
    }

    /**
     * There is one, with something else behind it.
     *
     * @param typed the name as it was typed
     */
    static MisreadException of(String typed, String message) {
        return new MisreadException(message, "Try \"help " + typed + "\" for more information");
    }

    /** What is shown of it. */
    String lines() {
        return getMessage() + "\n" + (hint().isEmpty() ? "" : hint() + "\n");
    }
}
