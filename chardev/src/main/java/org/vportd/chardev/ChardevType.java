package org.vportd.chardev;

import java.util.Set;
import org.vportd.loop.EventLoop;

/** A kind of chardev: its name, its options, and how one is made from them. */
public interface ChardevType {
    /** The word it is chosen by, for example {@code socket}. */
    String name();

    /** The keys it understands besides {@code backend} and {@code id}. */
    Set<String> keys();

    /**
     * Makes one and opens what it stands for; nothing is left behind if that fails.
     *
     * @throws ConfigException if the options do not fit, or what they name cannot be opened
     */
    Chardev open(EventLoop loop, String id, Options options) throws ConfigException;
}
