package org.vportd.daemon;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.WindowSize;
import org.vportd.monitor.DeviceControl;
import org.vportd.monitor.DeviceNotFoundException;
import org.vportd.monitor.DeviceTree;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialPort;

/** The device and its ports, by the ids that users give them. Loop thread only. */
final class DeviceTable implements DeviceControl, DeviceTree {
    /** Where devices with an id are in the tree of objects. */
    static final String PATH = "/machine/peripheral/";

    private final SerialDevice device;
    private final Chardevs chardevs;
    private final Consumer<String> deleted;
    private final Map<String, SerialPort> byId = new LinkedHashMap<>();

    /**
     * Makes a table of a device that has no ports yet.
     *
     * @param deleted told the id of each port that has gone
     */
    DeviceTable(SerialDevice device, Chardevs chardevs, Consumer<String> deleted) {
        this.device = device;
        this.chardevs = chardevs;
        this.deleted = deleted;
    }

    @Override
    public void add(Options options) throws ConfigException {
        plug(PortConfig.parse(options, device.options().bus()));
    }

    /** Plugs a port. */
    void plug(PortConfig port) throws ConfigException {
        String id = port.options().deviceId();
        if (id != null && (byId.containsKey(id) || id.equals(device.options().id()))) {
            throw new ConfigException("Duplicate device ID '" + id + "'");
        }
        SerialPort plugged = device.addPort(port.options(), findChardev(port));
        if (id != null) {
            byId.put(id, plugged);
        }
    }

    private @Nullable Chardev findChardev(PortConfig port) throws ConfigException {
        String id = port.chardev();
        Chardev chardev = id == null ? null : chardevs.find(id);
        if (id != null && chardev == null) {
            throw new ConfigException(
                    "Property '" + port.options().type().optionName() + ".chardev' can't find value '" + id + "'");
        }
        return chardev;
    }

    @Override
    public void remove(String idOrPath) throws ConfigException {
        String id = id(idOrPath);
        if (id.equals(device.options().id())) {
            throw new ConfigException(
                    "Device '" + id + "' can't be unplugged", "it belongs to the front-end; its ports can");
        }
        SerialPort port = byId.remove(id);
        if (port == null) {
            throw DeviceNotFoundException.ofDevice(idOrPath);
        }
        device.removePort(port);
        deleted.accept(id);
    }

    private static String id(String idOrPath) {
        return idOrPath.startsWith(PATH) ? idOrPath.substring(PATH.length()) : idOrPath;
    }

    @Override
    public void resizeConsole(String idOrPath, WindowSize size) throws ConfigException {
        SerialPort port = byId.get(id(idOrPath));
        if (port == null) {
            throw DeviceNotFoundException.ofDevice(idOrPath);
        }
        port.resize(size);
    }

    @Override
    public void resizeConsole(long number, WindowSize size) throws ConfigException {
        for (SerialPort port : device.ports()) {
            if (port.id() == number) {
                port.resize(size);
                return;
            }
        }
        throw new ConfigException("there is no port " + number);
    }

    @Override
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add("dev: vhost-user-serial, id \"" + device.options().id() + "\"");
        lines.add("  max_ports = " + device.options().maxPorts());
        lines.add("  bus: " + device.options().bus());
        lines.add("    type virtio-serial-bus");
        for (SerialPort port : device.ports()) {
            String id = port.options().deviceId();
            lines.add("    dev: " + port.options().type().optionName() + ", id \"" + (id == null ? "" : id) + "\"");
            lines.add("      chardev = \"" + port.chardevId() + "\"");
            lines.add("      nr = " + port.id());
            lines.add("      name = \"" + (port.name() == null ? "" : port.name()) + "\"");
            if (port.windowSize() != null) {
                lines.add("      size = " + port.windowSize());
            }
            lines.add("      " + state(port));
        }
        return lines;
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
        return device.ports().stream()
                .map(port -> {
                    String id = port.options().deviceId();
                    return port.options().type().optionName() + (id == null ? "" : " " + id)
                            + (port.name() == null ? "" : " \"" + port.name() + "\"") + ": " + state(port);
                })
                .toList();
    }

    @Override
    public List<String> ids() {
        return List.copyOf(byId.keySet());
    }
}
