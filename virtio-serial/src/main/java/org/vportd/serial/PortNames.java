package org.vportd.serial;

import java.util.HashSet;
import java.util.Set;

/** The names taken by ports of all devices that share it: a guest finds a port by name, whatever device it is on. */
public final class PortNames {
    private final Set<String> taken = new HashSet<>();

    /** Makes a set in which no name is taken. */
    public PortNames() {}

    boolean isTaken(String name) {
        return taken.contains(name);
    }

    void take(String name) {
        taken.add(name);
    }

    void release(String name) {
        taken.remove(name);
    }
}
