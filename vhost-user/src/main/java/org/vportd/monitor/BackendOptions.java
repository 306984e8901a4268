package org.vportd.monitor;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/**
 * Turns what a client says of a chardev into options as they are on the command line: other names for some members, and
 * other defaults for a socket, which is a server that does not wait unless something else is said.
 */
final class BackendOptions {
    /** Members that have another name on the command line, as {@code type.member}. */
    private static final Map<String, String> RENAMED = Map.of(
            "file.out", "path",
            "file.in", "input-path",
            "pipe.device", "path",
            "serial.device", "path",
            "parallel.device", "path",
            "spicevmc.type", "name",
            "spiceport.fqdn", "name");

    private final Map<String, String> options = new LinkedHashMap<>();

    private BackendOptions() {}

    /**
     * Makes options.
     *
     * @param backend fits {@link BackendSchema#BACKEND}
     * @throws ConfigException if the command line has no way to say the same
     */
    static Options of(Map<?, ?> backend) throws ConfigException {
        String type = String.valueOf(backend.get("type"));
        Map<?, ?> data = object(backend, "data");
        BackendOptions result = new BackendOptions();
        result.options.put("backend", type);
        for (Map.Entry<?, ?> member : data.entrySet()) {
            String name = String.valueOf(member.getKey());
            switch (type + "." + name) {
                case "socket.addr" -> result.socketAddress(object(data, name));
                case "udp.remote" -> result.datagramAddress(object(data, name), name, "host", "port");
                case "udp.local" -> result.datagramAddress(object(data, name), name, "localaddr", "localport");
                default -> result.flatten(RENAMED.getOrDefault(type + "." + name, name), member.getValue());
            }
        }
        if (type.equals("socket")) {
            result.socketDefaults(data);
        }
        return Options.of(result.options);
    }

    private static Map<?, ?> object(Map<?, ?> from, String name) {
        return from.get(name) instanceof Map<?, ?> map ? map : Map.of();
    }

    private void socketDefaults(Map<?, ?> data) {
        boolean server = !Boolean.FALSE.equals(data.get("server"));
        options.put("server", FlatOptions.text(server));
        if (server) {
            options.putIfAbsent("wait", FlatOptions.text(false));
        }
    }

    private void socketAddress(Map<?, ?> address) throws ConfigException {
        Map<?, ?> data = object(address, "data");
        if ("fd".equals(address.get("type"))) {
            String name = String.valueOf(data.get("str"));
            if (isNumber(
                    name)) { // which would mean any descriptor of the process, and is no name that clients can give
                throw new ConfigException("File descriptor named '" + name + "' has not been found");
            }
            options.put("fd", name);
            return;
        }
        for (Map.Entry<?, ?> member : data.entrySet()) {
            flatten(String.valueOf(member.getKey()), member.getValue());
        }
    }

    private static boolean isNumber(String name) {
        return !name.isEmpty() && name.charAt(0) >= '0' && name.charAt(0) <= '9';
    }

    private void datagramAddress(Map<?, ?> address, String member, String hostKey, String portKey)
            throws ConfigException {
        if (!"inet".equals(address.get("type"))) {
            throw new ConfigException("'" + member + "' address of udp must be of type 'inet'");
        }
        for (Map.Entry<?, ?> part : object(address, "data").entrySet()) {
            String name = String.valueOf(part.getKey());
            switch (name) {
                case "host" -> flatten(hostKey, part.getValue());
                case "port" -> flatten(portKey, part.getValue());
                case "ipv4", "ipv6" -> options.putIfAbsent(name, FlatOptions.text(part.getValue()));
                default -> throw new ConfigException("'" + member + "' address of udp has no '" + name + "' option");
            }
        }
    }

    private void flatten(String key, @Nullable Object value) throws ConfigException {
        FlatOptions flat = new FlatOptions();
        flat.add(key, value);
        options.putAll(flat.values());
    }
}
