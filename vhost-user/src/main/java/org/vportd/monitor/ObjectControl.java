package org.vportd.monitor;

import java.util.Map;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/** Makes objects that others refer to, such as TLS credentials, and removes them. */
public interface ObjectControl {
    /**
     * Makes an object.
     *
     * @param type what it is to be
     * @param id what others call it by
     * @param options the rest of what is asked for
     * @throws ConfigException if that cannot be
     */
    void add(String type, String id, Options options) throws ConfigException;

    /** The type of each object, by id. */
    Map<String, String> types();

    /**
     * Removes an object.
     *
     * @throws ConfigException if there is none, or somebody uses it
     */
    void remove(String id) throws ConfigException;
}
