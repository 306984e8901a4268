package org.vportd.monitor;

import java.util.Set;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.WindowSize;

/** Adds devices to the running program and takes them away. */
public interface DeviceControl {
    /** The names of all devices that can be added. */
    Set<String> drivers();

    /** The properties of a device, without {@code driver}; none if there is no device of that name. */
    Set<String> keys(String driver);

    /**
     * Adds a device.
     *
     * @param options {@code driver}, the rest as given and in that order
     * @throws ConfigException if that cannot be; nothing is left then
     */
    void add(Options options) throws ConfigException;

    /**
     * Takes a device away. Whoever implements this calls {@link Monitors#deviceDeleted} once it has gone.
     *
     * @param idOrPath its id, or its path in the tree of objects
     * @throws DeviceNotFoundException if there is none
     * @throws ConfigException if it cannot go
     */
    void remove(String idOrPath) throws ConfigException;

    /**
     * Tells the guest the size of a console's window.
     *
     * @param idOrPath the device's id, or its path in the tree of objects
     * @throws DeviceNotFoundException if there is none
     * @throws ConfigException if it is no console, or sizes are not told
     */
    void resizeConsole(String idOrPath, WindowSize size) throws ConfigException;

    /**
     * The same for a console that may have no id.
     *
     * @param port the port's number
     */
    void resizeConsole(long port, WindowSize size) throws ConfigException;
}
