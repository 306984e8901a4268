package org.vportd.daemon;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.WindowSize;
import org.vportd.handover.Parcel;
import org.vportd.monitor.DeviceControl;
import org.vportd.monitor.DeviceNotFoundException;
import org.vportd.monitor.DeviceTree;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialPort;

/** The devices and their ports, by the ids that users give them. */
final class DeviceTable implements DeviceControl, DeviceTree, AutoCloseable {
    private static final String PATH = "/machine/peripheral/";
    private static final String ANONYMOUS_PATH = "/machine/peripheral-anon/device[";

    private final Maker maker;
    private final Chardevs chardevs;
    private final Deleted deleted;
    private final Map<String, Controller> controllers = new LinkedHashMap<>();
    /** By where they are in the tree of objects. */
    private final Map<String, Plugged> byPath = new LinkedHashMap<>();

    private record Plugged(Controller controller, SerialPort port, Options source) {}

    /** Makes devices and serves them. */
    interface Maker {
        /** Makes one, with nothing in it. */
        Controller make(DeviceConfig config) throws ConfigException;

        /** Lets front-ends come to it. */
        void serve(Controller controller, SocketConfig where) throws StartException;
    }

    /** Is told of each device and port that has gone. */
    @FunctionalInterface
    interface Deleted {
        /**
         * It has gone.
         *
         * @param id its id, null if it had none
         * @param path where it was in the tree of objects
         */
        void deleted(@Nullable String id, String path);
    }

    /**
     * Makes an empty table.
     *
     * @param deleted told of what has gone
     */
    DeviceTable(Maker maker, Chardevs chardevs, Deleted deleted) {
        this.maker = maker;
        this.chardevs = chardevs;
        this.deleted = deleted;
    }

    /** The devices, in the order they were made. */
    Collection<Controller> controllers() {
        return controllers.values();
    }

    @Override
    public Set<String> drivers() {
        return DeviceConfig.drivers();
    }

    @Override
    public Set<String> keys(String driver) {
        try {
            return DeviceConfig.keys(driver);
        } catch (ConfigException e) {
            return Set.of(); // there is no such device
        }
    }

    @Override
    public void add(Options options) throws ConfigException {
        if (DeviceConfig.isMeantBy(options)) {
            serve(options);
            return;
        }
        List<String> buses = controllers.values().stream()
                .map(each -> each.device().options().bus())
                .toList();
        plug(PortConfig.parse(options, buses, this::isTaken));
    }

    private void serve(Options options) throws ConfigException {
        DeviceConfig config = DeviceConfig.parse(options, this::isTaken);
        SocketConfig where = config.socket();
        if (where == null) {
            throw new ConfigException("Parameter 'socket-path' is missing", "or fd=NAME, passed with getfd");
        }
        if (isTaken(config.serial().id())) {
            throw new ConfigException("Parameter 'id' is missing", "only one device can do without");
        }
        Controller made = add(config);
        try {
            maker.serve(made, where);
        } catch (StartException e) {
            controllers.remove(made.id());
            made.close();
            throw new ConfigException(String.valueOf(e.getMessage()));
        }
    }

    /** Makes a device, whose id nobody has, and does not serve it yet. */
    Controller add(DeviceConfig config) throws ConfigException {
        Controller made = maker.make(config);
        controllers.put(made.id(), made);
        return made;
    }

    private boolean isTaken(String id) {
        return byPath.containsKey(PATH + id) || controllers.containsKey(id);
    }

    /** Plugs a port, whose id nobody has. */
    void plug(PortConfig port) throws ConfigException {
        Chardev chardev = findChardev(port);
        String id = port.options().deviceId();
        plug(port, chardev, id == null ? anonymousPath() : PATH + id);
    }

    private void plug(PortConfig port, @Nullable Chardev chardev, String path) throws ConfigException {
        Controller controller = findController(port);
        SerialPort plugged = controller.device().addPort(port.options(), chardev);
        byPath.put(path, new Plugged(controller, plugged, port.source()));
    }

    // --- handover

    /** Packs what the ports are, for {@link #takeOverPorts} in another process; how they are is packed with their devices. */
    List<Parcel> packPorts() {
        List<Parcel> ports = new ArrayList<>();
        byPath.forEach((path, plugged) -> {
            Options exactly = plugged.source()
                    .with("bus", plugged.controller().device().options().bus())
                    .with("nr", String.valueOf(plugged.port().id()));
            ports.add(new Parcel().put("path", path).put("options", exactly.canonical()));
        });
        return ports;
    }

    /** Plugs the same ports as in another process. The devices are there. */
    void takeOverPorts(List<Parcel> ports) throws ConfigException {
        for (Parcel parcel : ports) {
            Options options = Options.parse(String.valueOf(parcel.text("options")), "driver", warning -> {});
            PortConfig port = PortConfig.parse(options, List.of(options.string("bus", "")), id -> false);
            plug(port, findChardev(port), String.valueOf(parcel.text("path")));
        }
    }

    /** The one whose bus is named, otherwise the first. */
    private Controller findController(PortConfig port) throws ConfigException {
        String bus = port.bus();
        for (Controller each : controllers.values()) {
            if (bus == null || bus.equals(each.device().options().bus())) {
                return each;
            }
        }
        throw new ConfigException("No 'virtio-serial-bus' bus found for device '"
                + port.options().type().optionName() + "'");
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
        Controller controller = path.startsWith(PATH) ? controllers.get(path.substring(PATH.length())) : null;
        if (controller != null) {
            removeAll(controller, path);
            return;
        }
        Plugged plugged = byPath.remove(path);
        if (plugged == null) {
            throw DeviceNotFoundException.ofDevice(idOrPath);
        }
        plugged.controller().device().removePort(plugged.port());
        deleted.deleted(plugged.port().options().deviceId(), path);
    }

    /** The session ends first, so that the driver sees nothing of what happens to the ports. */
    private void removeAll(Controller controller, String path) {
        controllers.remove(controller.id());
        controller.close();
        Map<String, Plugged> gone = new LinkedHashMap<>(byPath);
        gone.values().removeIf(plugged -> plugged.controller() != controller);
        gone.forEach((portPath, plugged) -> {
            byPath.remove(portPath);
            deleted.deleted(plugged.port().options().deviceId(), portPath);
        });
        deleted.deleted(controller.id(), path);
    }

    private static String path(String idOrPath) {
        return idOrPath.startsWith("/") ? idOrPath : PATH + idOrPath;
    }

    @Override
    public void resizeConsole(String idOrPath, WindowSize size) throws ConfigException {
        Plugged plugged = byPath.get(path(idOrPath));
        if (plugged == null) {
            throw DeviceNotFoundException.ofDevice(idOrPath);
        }
        plugged.port().resize(size);
    }

    @Override
    public void resizeConsole(long number, WindowSize size) throws ConfigException {
        List<SerialPort> found = ports(each -> each.id() == number);
        if (found.isEmpty()) {
            throw new ConfigException("there is no port " + number);
        }
        if (found.size() > 1) {
            throw new ConfigException("there is a port " + number + " on several devices", "use the id of the port");
        }
        found.get(0).resize(size);
    }

    private List<SerialPort> ports(Predicate<SerialPort> condition) {
        return controllers.values().stream()
                .flatMap(each -> each.device().ports().stream())
                .filter(condition)
                .toList();
    }

    @Override
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        controllers.values().forEach(each -> describe(each, lines));
        return lines;
    }

    private static void describe(Controller controller, List<String> lines) {
        SerialDevice device = controller.device();
        lines.add("dev: vhost-user-serial, id \"" + controller.id() + "\"");
        lines.add("  max_ports = " + device.options().maxPorts());
        if (controller.socket() != null) {
            lines.add("  " + controller.socket().toString().replaceFirst("=", " = "));
        }
        lines.add("  front-end = " + (controller.isConnected() ? "connected" : "none"));
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
        return ports(port -> true).stream()
                .map(port -> {
                    String id = port.options().deviceId();
                    return port.options().type().optionName() + (id == null ? "" : " " + id)
                            + (port.name() == null ? "" : " \"" + port.name() + "\"") + ": " + state(port);
                })
                .toList();
    }

    @Override
    public List<String> ids() {
        Stream<String> ports = byPath.keySet().stream()
                .filter(path -> path.startsWith(PATH))
                .map(path -> path.substring(PATH.length()));
        return Stream.concat(ports, controllers.keySet().stream()).toList();
    }

    @Override
    public Map<String, Map<String, Object>> objects() {
        Map<String, Map<String, Object>> objects = new LinkedHashMap<>();
        controllers.keySet().forEach(id -> objects.put(PATH + id, Map.of("type", "vhost-user-serial")));
        byPath.forEach((path, plugged) -> objects.put(path, properties(plugged.port())));
        return objects;
    }

    private static Map<String, Object> properties(SerialPort port) {
        String name = port.name();
        return Map.of(
                "type",
                port.options().type().optionName(),
                "nr",
                port.id(),
                "name",
                name == null ? "" : name,
                "chardev",
                port.chardevId(),
                "realized",
                true,
                "hotpluggable",
                true);
    }

    /** Ends all sessions and closes all devices. */
    @Override
    public void close() {
        controllers.values().forEach(Controller::close);
        controllers.clear();
        byPath.clear();
    }
}
