package org.vportd.daemon;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.serial.ConsoleSize;
import org.vportd.serial.PortOptions;
import org.vportd.serial.SerialOptions;
import org.vportd.vhostuser.backend.BackendOptions;

/**
 * What the {@code -device} options ask for: one virtio-serial device, named or by default, and its ports.
 *
 * @param serial the device
 * @param backend what its vhost-user back-end offers
 * @param ports the ports, in the order given
 */
record DeviceConfig(SerialOptions serial, BackendOptions backend, List<PortConfig> ports) {
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
            "gpa");

    /** Reads the options of all devices; the controller may come anywhere among them. */
    static DeviceConfig of(List<Options> devices) throws ConfigException {
        Options controller = null;
        for (Options device : devices) {
            if (isController(device)) {
                if (controller != null) {
                    throw new ConfigException("only one virtio-serial device can be served")
                            .within("-device " + device);
                }
                controller = device;
            }
        }
        SerialOptions serial = read(controller, DeviceConfig::serial, SerialOptions.defaults());
        BackendOptions backend = read(controller, DeviceConfig::backend, BackendOptions.defaults());
        List<PortConfig> ports = new ArrayList<>();
        Set<String> ids = new HashSet<>(Set.of(serial.id()));
        for (Options device : devices) {
            if (!isController(device)) {
                ports.add(read(device, options -> port(options, serial, ids), null));
            }
        }
        return new DeviceConfig(serial, backend, ports);
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

    private static boolean isController(Options device) {
        return CONTROLLERS.contains(device.string("driver", ""));
    }

    private interface Reader<T> {
        T read(Options options) throws ConfigException;
    }

    private static <T> T read(@Nullable Options device, Reader<T> reader, @Nullable T fallback) throws ConfigException {
        if (device == null) {
            return Objects.requireNonNull(fallback);
        }
        try {
            return reader.read(device);
        } catch (ConfigException e) {
            throw e.within("-device " + device);
        }
    }

    private static SerialOptions serial(Options controller) throws ConfigException {
        SerialOptions defaults = SerialOptions.defaults();
        controller.accept(CONTROLLER_KEYS);
        String id = controller.id();
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
                controller.bool("gpa", defaults.guestAddresses()));
    }

    private static PortConfig port(Options port, SerialOptions serial, Set<String> ids) throws ConfigException {
        String id = port.id();
        PortConfig config = PortConfig.parse(port, serial.bus(), ids::contains);
        if (id != null) {
            ids.add(id);
        }
        return config;
    }
}
