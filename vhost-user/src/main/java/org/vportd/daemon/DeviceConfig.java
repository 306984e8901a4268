package org.vportd.daemon;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.serial.ConsoleSize;
import org.vportd.serial.PortOptions;
import org.vportd.serial.SerialOptions;
import org.vportd.vhostuser.backend.BackendOptions;

/**
 * What an option {@code -device vhost-user-serial} asks for.
 *
 * @param serial the device
 * @param backend what its vhost-user back-end offers
 * @param socket where its front-end comes from; null if the option does not say
 * @param source what the user wrote
 */
record DeviceConfig(
        SerialOptions serial,
        BackendOptions backend,
        @Nullable SocketConfig socket,
        Options source) {
    private static final Set<String> CONTROLLERS =
            Set.of("vhost-user-serial", "virtio-serial", "virtio-serial-pci", "virtio-serial-device");
    private static final Set<String> CONTROLLER_KEYS = Set.of(
            "driver",
            "id",
            "max_ports",
            "emergency-write",
            "indirect_desc",
            "event_idx",
            "packed",
            "in_order",
            "size",
            "resize-order",
            "status",
            "inband",
            "iommu_platform",
            "gpa",
            "socket-path",
            "socket-mode",
            "fd");

    /** What is served if nobody says what. */
    static DeviceConfig byDefault() {
        return new DeviceConfig(
                SerialOptions.defaults(),
                BackendOptions.defaults(),
                null,
                Options.of(Map.of("driver", "vhost-user-serial")));
    }

    /** Whether options are those of such a device rather than of a port. */
    static boolean isMeantBy(Options device) {
        return CONTROLLERS.contains(device.string("driver", ""));
    }

    /**
     * Reads the options of one.
     *
     * @param isTaken whether a device has an id already
     */
    static DeviceConfig parse(Options controller, Predicate<String> isTaken) throws ConfigException {
        PortConfig.checkId(controller, isTaken);
        for (String key : controller.keys()) {
            if (!CONTROLLER_KEYS.contains(key)) {
                throw new ConfigException(
                        "Property '" + controller.string("driver", "") + "." + key + "' not found",
                        "accepted: " + String.join(", ", keys(controller.string("driver", ""))));
            }
        }
        return new DeviceConfig(serial(controller), backend(controller), SocketConfig.parse(controller), controller);
    }

    /** The same, served through another socket. */
    DeviceConfig withSocket(@Nullable SocketConfig other) {
        return new DeviceConfig(serial, backend, other, source);
    }

    /** The names of all devices. */
    static Set<String> drivers() {
        Set<String> drivers = new TreeSet<>(CONTROLLERS);
        for (PortOptions.Type type : PortOptions.Type.values()) {
            drivers.add(type.optionName());
        }
        return drivers;
    }

    /** The properties of a device. */
    static Set<String> keys(String driver) throws ConfigException {
        Set<String> keys = new TreeSet<>(CONTROLLERS.contains(driver) ? CONTROLLER_KEYS : PortConfig.keys(driver));
        keys.remove("driver");
        return keys;
    }

    private static SerialOptions serial(Options controller) throws ConfigException {
        SerialOptions defaults = SerialOptions.defaults();
        String id = controller.string("id");
        return new SerialOptions(
                id == null ? defaults.id() : id,
                (int) controller.number("max_ports", defaults.maxPorts(), 0, Integer.MAX_VALUE),
                controller.bool("emergency-write", defaults.emergencyWrite()),
                controller.bool("indirect_desc", defaults.indirect()),
                controller.bool("event_idx", defaults.eventIdx()),
                controller.bool("packed", defaults.packed()),
                controller.bool("in_order", defaults.inOrder()),
                consoleSize(controller));
    }

    private static ConsoleSize consoleSize(Options controller) throws ConfigException {
        boolean told = controller.bool("size", false);
        String order = controller.string("resize-order");
        if (order == null) {
            return told ? ConsoleSize.COLUMNS_FIRST : ConsoleSize.OFF;
        }
        if (!told) {
            throw new ConfigException("'resize-order' option requires 'size=on'");
        }
        return switch (order) {
            case "cols-rows" -> ConsoleSize.COLUMNS_FIRST;
            case "rows-cols" -> ConsoleSize.ROWS_FIRST;
            default ->
                throw new ConfigException(
                        "Parameter 'resize-order' expects 'cols-rows' or 'rows-cols'", "got '" + order + "'");
        };
    }

    private static BackendOptions backend(Options controller) throws ConfigException {
        BackendOptions defaults = BackendOptions.defaults();
        return new BackendOptions(
                controller.bool("status", defaults.status()),
                controller.bool("inband", defaults.inband()),
                controller.bool("iommu_platform", defaults.iommu()),
                controller.bool("gpa", defaults.guestAddresses()),
                defaults.handover());
    }
}
