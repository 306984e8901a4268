package org.vportd.monitor;

import java.util.List;
import java.util.Map;

/** The devices as people are shown them. */
public interface DeviceTree {
    /**
     * The whole tree, a line for each thing in it, indented by what it belongs to: {@code bus: NAME}, {@code dev: DRIVER, id
     * "ID"}, a device's properties as {@code name = value}, and of a port its state, {@code port 1, guest on, host off,
     * throttle off}.
     */
    List<String> lines();

    /** Only the ports, a line for each: which it is, and its state. */
    List<String> ports();

    /** The ids of the devices that can be removed. */
    List<String> ids();

    /** The properties of each device, one of which is its {@code type}, by the path in the tree of objects. */
    Map<String, Map<String, Object>> objects();
}
