package org.vportd.daemon;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
    private static final String PATH = "/machine/peripheral/";
    private static final String ANONYMOUS_PATH = "/machine/peripheral-anon/device[";

    private final SerialDevice device;
    private final Chardevs chardevs;
    private final Deleted deleted;
    /** By where they are in the tree of objects. */
    private final Map<String, SerialPort> byPath = new LinkedHashMap<>();

    /** Is told of each port that has gone. */
    @FunctionalInterface
    interface Deleted {
        /**
         * A port has gone.
         *
         * @param id its id, null if it had none
         * @param path where it was in the tree of objects
         */
        void deleted(@Nullable String id, String path);
    }

    /**
     * Makes a table of a device that has no ports yet.
     *
     * @param deleted told of each port that has gone
     */
    DeviceTable(SerialDevice device, Chardevs chardevs, Deleted deleted) {
        this.device = device;
        this.chardevs = chardevs;
        this.deleted = deleted;
    }

    @Override
    public void add(Options options) throws ConfigException {
        plug(PortConfig.parse(options, device.options().bus(), this::isTaken));
    }

    private boolean isTaken(String id) {
        return byPath.containsKey(PATH + id) || id.equals(device.options().id());
    }

    /** Plugs a port, whose id nobody has. */
    void plug(PortConfig port) throws ConfigException {
        SerialPort plugged = device.addPort(port.options(), findChardev(port));
        String id = port.options().deviceId();
        byPath.put(id == null ? anonymousPath() : PATH + id, plugged);
    }

    /** The first place that is free, as QEMU counts. */
    private String anonymousPath() {
        int n = 0;
        while (byPath.containsKey(ANONYMOUS_PATH + n + "]")) {
            n++;
        }
        return ANONYMOUS_PATH + n + "]";
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
        String path = path(idOrPath);
        String controller = device.options().id();
        if (path.equals(PATH + controller)) {
            throw new ConfigException(
                    "Device '" + controller + "' can't be unplugged", "it belongs to the front-end; its ports can");
        }
        SerialPort port = byPath.remove(path);
        if (port == null) {
            throw DeviceNotFoundException.ofDevice(idOrPath);
        }
        device.removePort(port);
        deleted.deleted(port.options().deviceId(), path);
    }

    private static String path(String idOrPath) {
        return idOrPath.startsWith("/") ? idOrPath : PATH + idOrPath;
    }

    @Override
    public void resizeConsole(String idOrPath, WindowSize size) throws ConfigException {
        SerialPort port = byPath.get(path(idOrPath));
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
        return byPath.keySet().stream()
                .filter(path -> path.startsWith(PATH))
                .map(path -> path.substring(PATH.length()))
                .toList();
    }
}
