package org.vportd.monitor;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.monitor.schema.ObjectType;
import org.vportd.monitor.schema.Type;

/**
 * A command.
 *
 * @param result what it returns; an empty object if nothing
 * @param allowsOutOfBand whether it may overtake others
 */
record Command(String name, ObjectType arguments, Type result, boolean allowsOutOfBand, Action action) {
    /** What it does. */
    @FunctionalInterface
    interface Action {
        /**
         * Does it.
         *
         * @return what the client gets; null for an empty object
         */
        @Nullable
        Object run(Arguments arguments, Requester session) throws QmpException, ConfigException;
    }
}
