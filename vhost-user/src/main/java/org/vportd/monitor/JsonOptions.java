package org.vportd.monitor;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Map;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.monitor.json.JsonException;
import org.vportd.monitor.json.JsonFramer;
import org.vportd.monitor.schema.ObjectType;
import org.vportd.monitor.schema.SchemaException;

/** Devices and objects on the command line, written as the arguments of {@code device_add} and {@code object-add} are. */
public final class JsonOptions {
    private JsonOptions() {}

    /** Whether a text is meant as JSON: no option in the other notation begins like that. */
    public static boolean isJson(String text) {
        return text.startsWith("{");
    }

    /**
     * Reads a device.
     *
     * @throws ConfigException if that is no JSON or does not fit
     */
    public static Options device(String text) throws ConfigException {
        return parse(text, DeviceCommands.DEVICE_ADD);
    }

    /**
     * Reads an object.
     *
     * @throws ConfigException if that is no JSON or does not fit
     */
    public static Options object(String text) throws ConfigException {
        return parse(text, ObjectSchema.OPTIONS);
    }

    private static Options parse(String text, ObjectType type) throws ConfigException {
        JsonFramer framer = new JsonFramer();
        byte[] bytes = text.getBytes(UTF_8);
        int end = framer.feed(bytes, 0, bytes.length);
        try {
            if (!framer.isComplete()) {
                throw new ConfigException("JSON parse error, premature EOI", "brackets or quotes are not closed");
            }
            Object value = framer.next();
            String rest = new String(bytes, end, bytes.length - end, UTF_8);
            if (!(value instanceof Map<?, ?> members) || !rest.isBlank()) {
                throw new ConfigException("JSON parse error, expecting one object", "got '" + rest + "' after it");
            }
            type.checkArguments(members);
            return FlatOptions.of(members);
        } catch (JsonException e) {
            throw new ConfigException(e.text());
        } catch (SchemaException e) {
            throw new ConfigException(String.valueOf(e.getMessage()));
        }
    }
}
