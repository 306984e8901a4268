package org.vportd.serial;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;

/** The ports that are plugged into a device, each with a number and perhaps a name of its own. */
final class PortTable {
    private final List<SerialPort> ports = new ArrayList<>(); // in the order they were plugged
    private final @Nullable SerialPort[] byId;
    private final PortNames names;

    /**
     * Makes one without ports.
     *
     * @param names shared with other devices
     */
    PortTable(int maxPorts, PortNames names) {
        this.byId = new @Nullable SerialPort[maxPorts];
        this.names = names;
    }

    /** The ports, in the order they were plugged. */
    List<SerialPort> all() {
        return Collections.unmodifiableList(ports);
    }

    /** The port of a number, or null; any number from 0 to max_ports - 1. */
    @Nullable
    SerialPort get(int id) {
        return byId[id];
    }

    /** The port of a number, or null; any number at all. */
    @Nullable
    SerialPort find(int id) {
        return id >= 0 && id < byId.length ? byId[id] : null;
    }

    /** Adds a port, whose number has been chosen here. */
    void add(SerialPort port) {
        ports.add(port);
        byId[port.id()] = port;
        if (port.name() != null) {
            names.take(port.name());
        }
    }

    /** Removes a port; its number and its name are free again. */
    void remove(SerialPort port) {
        ports.remove(port);
        byId[port.id()] = null;
        releaseName(port);
    }

    /** Releases all names, for good. */
    void releaseNames() {
        ports.forEach(this::releaseName);
    }

    private void releaseName(SerialPort port) {
        if (port.name() != null) {
            names.release(port.name());
        }
    }

    /**
     * Chooses the number of a port that is to be plugged.
     *
     * @throws ConfigException if the number or the name is taken or out of range, or no number is left
     */
    int chooseId(PortOptions port) throws ConfigException {
        boolean console = port.type() == PortOptions.Type.VIRTCONSOLE;
        long nr = port.nr();
        if (nr < byId.length && byId[(int) nr] != null) {
            throw new ConfigException("virtio-serial-bus: A port already exists at id " + nr);
        }
        String name = port.name();
        if (name != null && names.isTaken(name)) {
            throw new ConfigException("virtio-serial-bus: A port already exists by name " + name);
        }
        if (nr == PortOptions.ANY_NR) {
            nr = lowestFree(console ? 0 : 1); // 0 is kept for consoles
            if (nr == byId.length) {
                throw new ConfigException("virtio-serial-bus: Maximum port limit for this device reached");
            }
        }
        if (nr >= byId.length) {
            throw new ConfigException(
                    "virtio-serial-bus: Out-of-range port id specified, max. allowed: " + (byId.length - 1));
        }
        if (nr == 0 && !console) {
            throw new ConfigException("Port number 0 on virtio-serial devices reserved for virtconsole devices for"
                    + " backward compatibility.");
        }
        return (int) nr;
    }

    private int lowestFree(int from) {
        int id = from;
        while (id < byId.length && byId[id] != null) {
            id++;
        }
        return id;
    }
}
