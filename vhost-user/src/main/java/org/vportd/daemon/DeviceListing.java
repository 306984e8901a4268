package org.vportd.daemon;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.vportd.monitor.DeviceTree;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialPort;

/**
 * The device and its ports in the layout of QEMU's {@code info qtree}.
 *
 * @param chardevIds the ids of the chardevs that ports were plugged with
 * @param byId the ports that can be removed
 */
record DeviceListing(SerialDevice device, Map<SerialPort, String> chardevIds, Map<String, SerialPort> byId)
        implements DeviceTree {
    @Override
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add("dev: vhost-user-serial, id \"" + device.options().id() + "\"");
        lines.add("  max_ports = " + number(device.options().maxPorts()));
        lines.add("  bus: " + device.options().bus());
        lines.add("    type virtio-serial-bus");
        for (SerialPort port : device.ports()) {
            describe(port).forEach(line -> lines.add("    " + line));
        }
        return lines;
    }

    private List<String> describe(SerialPort port) {
        List<String> lines = new ArrayList<>();
        String id = port.options().deviceId();
        lines.add("dev: " + port.options().type().optionName() + ", id \"" + (id == null ? "" : id) + "\"");
        lines.add("  chardev = \"" + chardevIds.getOrDefault(port, "") + "\"");
        lines.add("  nr = " + number(port.id()));
        String name = port.name();
        lines.add("  name = \"" + (name == null ? "" : name) + "\"");
        lines.add("  " + state(port));
        return lines;
    }

    private static String number(int value) {
        return value + " (0x" + Integer.toHexString(value) + ")";
    }

    private static String state(SerialPort port) {
        return "port " + port.id() + ", guest " + onOff(port.isGuestConnected()) + ", host "
                + onOff(port.isHostConnected()) + ", throttle " + onOff(port.isThrottled());
    }

    private static String onOff(boolean on) {
        return on ? "on" : "off";
    }

    @Override
    public List<String> ports() {
        return device.ports().stream().map(this::summary).toList();
    }

    private String summary(SerialPort port) {
        String id = port.options().deviceId();
        String name = port.name();
        return state(port) + ", " + port.options().type().optionName()
                + (id == null ? "" : ", id \"" + id + "\"")
                + (name == null ? "" : ", name \"" + name + "\"")
                + (chardevIds.containsKey(port) ? ", chardev \"" + chardevIds.get(port) + "\"" : "");
    }

    @Override
    public List<String> ids() {
        return List.copyOf(byId.keySet());
    }
}
