package org.vportd.vhostuser.frontend;

/**
 * A control message of the device, as the driver received it (Virtio 1.3 §5.3.6.2).
 *
 * @param port the id in it
 * @param event one of the events of {@link org.vportd.serial.ConsoleLayout}
 * @param value depends on the event
 */
public record ControlMessage(int port, int event, int value) {}
