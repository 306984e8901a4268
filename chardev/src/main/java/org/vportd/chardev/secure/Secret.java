package org.vportd.chardev.secure;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/** A password, given as it is or in base64, in the option or in a file. */
final class Secret extends UserObject {
    static final Set<String> KEYS = Set.of("data", "file", "format");

    private static final int MAX_LENGTH = 64 * 1024;

    private final byte[] bytes;

    private Secret(byte[] bytes) {
        this.bytes = bytes;
    }

    static Secret parse(Options options) throws ConfigException {
        String data = options.string("data");
        String file = options.string("file");
        if (data != null && file != null) {
            throw new ConfigException("'file' and 'data' are mutually exclusive");
        }
        byte[] bytes;
        if (file != null) {
            bytes = read(file);
        } else if (data != null) {
            bytes = data.getBytes(StandardCharsets.UTF_8);
        } else {
            throw new ConfigException("Must provide 'file' or 'data'");
        }
        if (UserObjects.choice(options, "format", "raw", "raw", "base64").equals("base64")) {
            try {
                bytes = Base64.getMimeDecoder().decode(bytes);
            } catch (IllegalArgumentException e) {
                throw new ConfigException("Base64 data is not valid");
            }
        }
        return new Secret(bytes);
    }

    private static byte[] read(String file) throws ConfigException {
        try {
            Path path = Path.of(file);
            if (Files.size(path) > MAX_LENGTH) {
                throw new ConfigException("Unable to read " + file, "more than " + MAX_LENGTH + " bytes");
            }
            return Files.readAllBytes(path);
        } catch (IOException | IllegalArgumentException e) {
            throw new ConfigException("Unable to read " + file, String.valueOf(e));
        }
    }

    /** The password of an object. */
    static char[] password(@Nullable UserObject object, String id) throws ConfigException {
        if (object == null) {
            throw new ConfigException("No secret with id '" + id + "'");
        }
        if (object instanceof Secret secret) {
            return new String(secret.bytes, StandardCharsets.UTF_8).toCharArray();
        }
        throw new ConfigException("Object with id '" + id + "' is not a secret");
    }
}
