package org.vportd.serial.state;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a device knows of its driver.
 *
 * @param features the virtio features that the driver has chosen
 * @param maxPorts the number of ports that the driver has read from configuration space
 * @param ready whether the driver has said DEVICE_READY, so that messages wait for it
 * @param ports the ports, in the order they were plugged
 * @param messages what waits for buffers of the driver, in the order in which it is to be told
 */
public record DeviceState(
        long features, int maxPorts, boolean ready, List<PortState> ports, List<WaitingMessage> messages) {
    /** The most ports that a device can have. */
    public static final int MAX_PORTS = 511;

    /** Keeps copies of the lists. */
    public DeviceState {
        ports = List.copyOf(ports);
        messages = List.copyOf(messages);
    }

    /** The state of the port of a number, or null. */
    public @Nullable PortState port(int id) {
        return ports.stream().filter(port -> port.id() == id).findFirst().orElse(null);
    }

    /** The same with other port states and messages. */
    public DeviceState with(List<PortState> otherPorts, List<WaitingMessage> otherMessages) {
        return new DeviceState(features, maxPorts, ready, otherPorts, otherMessages);
    }
}
