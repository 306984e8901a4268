package org.vportd.monitor;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.monitor.json.JsonException;
import org.vportd.monitor.json.JsonFramer;

/** Options of the command line that are written as a JSON object, as libvirt writes those of devices and objects. */
public final class JsonOptions {
    private JsonOptions() {}

    /** Whether a text is meant to be such an object. */
    public static boolean isJson(String text) {
        return text.startsWith("{");
    }

    /**
     * Reads an object; what is within its members becomes {@code key.name} and {@code key.0}.
     *
     * @throws ConfigException if the text is not one object
     */
    public static Options parse(String text) throws ConfigException {
        byte[] bytes = (text + "\n").getBytes(StandardCharsets.UTF_8);
        JsonFramer framer = new JsonFramer();
        int end = framer.feed(bytes, 0, bytes.length);
        try {
            if (!framer.isComplete()) {
                throw new ConfigException("JSON parse error, premature end");
            }
            if (framer.next() instanceof Map<?, ?> members && isBlank(bytes, end)) {
                return FlatOptions.of(members);
            }
        } catch (JsonException e) {
            throw new ConfigException(e.text());
        }
        throw new ConfigException("expected one JSON object");
    }

    private static boolean isBlank(byte[] bytes, int from) {
        return new String(bytes, from, bytes.length - from, StandardCharsets.UTF_8).isBlank();
    }
}
