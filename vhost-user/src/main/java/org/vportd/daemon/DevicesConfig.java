package org.vportd.daemon;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/**
 * What all {@code -device} options together ask for.
 *
 * @param controllers the devices, each with a socket of its own
 * @param ports their ports, in the order given
 */
record DevicesConfig(List<DeviceConfig> controllers, List<PortConfig> ports) {
    /**
     * Reads the options; controllers may come anywhere among them. If there is none, but a socket or ports that need one,
     * there is a device with the usual properties.
     *
     * @param socket for the one device that has no socket of its own, null if the user names none
     */
    static DevicesConfig of(List<Options> devices, @Nullable SocketConfig socket) throws ConfigException {
        List<DeviceConfig> controllers = new ArrayList<>();
        Set<String> ids = new HashSet<>();
        SocketConfig free = socket;
        for (Options device : devices) {
            if (DeviceConfig.isMeantBy(device)) {
                DeviceConfig controller = read(device, options -> controller(options, ids));
                ids.add(controller.serial().id());
                if (controller.socket() == null) {
                    if (free == null) {
                        throw new ConfigException(
                                        "Parameter 'socket-path' is missing", "--socket-path serves one device only")
                                .within("-device " + device);
                    }
                    controller = controller.withSocket(free);
                    free = null;
                }
                controllers.add(controller);
            }
        }
        if (controllers.isEmpty() && (socket != null || !devices.isEmpty())) {
            controllers.add(DeviceConfig.byDefault().withSocket(free));
            ids.add(controllers.get(0).serial().id());
            free = null;
        }
        if (free != null) {
            throw new ConfigException("every -device vhost-user-serial has a socket of its own").within("--" + free);
        }
        return new DevicesConfig(controllers, ports(devices, controllers, ids));
    }

    private static DeviceConfig controller(Options options, Set<String> ids) throws ConfigException {
        options.id(); // has the form of an id
        DeviceConfig controller = DeviceConfig.parse(options, ids::contains);
        if (ids.contains(controller.serial().id())) {
            throw new ConfigException("Parameter 'id' is missing", "only one device can do without");
        }
        return controller;
    }

    private static List<PortConfig> ports(List<Options> devices, List<DeviceConfig> controllers, Set<String> ids)
            throws ConfigException {
        List<String> buses =
                controllers.stream().map(each -> each.serial().bus()).toList();
        List<PortConfig> ports = new ArrayList<>();
        for (Options device : devices) {
            if (!DeviceConfig.isMeantBy(device)) {
                PortConfig port = read(device, options -> port(options, buses, ids));
                ports.add(port);
                String id = port.options().deviceId();
                if (id != null) {
                    ids.add(id);
                }
            }
        }
        return ports;
    }

    private static PortConfig port(Options options, List<String> buses, Set<String> ids) throws ConfigException {
        options.id(); // has the form of an id
        return PortConfig.parse(options, buses, ids::contains);
    }

    private interface Reader<T> {
        T read(Options options) throws ConfigException;
    }

    private static <T> T read(Options device, Reader<T> reader) throws ConfigException {
        try {
            return reader.read(device);
        } catch (ConfigException e) {
            throw e.within("-device " + device);
        }
    }
}
