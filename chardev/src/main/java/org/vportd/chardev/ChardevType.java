package org.vportd.chardev;

import java.util.Set;

/** A kind of chardev: its name, its options, and how one is made from them. */
public interface ChardevType {
    /** The word it is chosen by, for example {@code socket}. */
    String name();

    /** The keys it understands besides {@code backend} and {@code id}. */
    Set<String> keys();

    /** Whether it understands a key, those of {@link #keys} or of a list's elements. */
    default boolean knows(String key) {
        return keys().contains(key);
    }

    /**
     * Makes one and opens what it stands for; nothing is left behind, and nothing taken from a predecessor, if that fails.
     *
     * @throws ConfigException if the options do not fit, or what they name cannot be opened
     */
    Chardev open(Opening opening) throws ConfigException;
}
