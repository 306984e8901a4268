package org.vportd.monitor.line;

/** Knows what could be typed next. */
@FunctionalInterface
public interface Completer {
    /** Knows nothing. */
    Completer NONE = text -> Completion.NONE;

    /**
     * Looks for what the last word could become.
     *
     * @param text what is before the cursor
     */
    Completion complete(String text);
}
