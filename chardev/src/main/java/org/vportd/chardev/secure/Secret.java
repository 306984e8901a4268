package org.vportd.chardev.secure;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/** A password, given as it is or in base64, in the option or in a file. */
final class Secret extends UserObject {
    static final Set<String> KEYS = Set.of("data", "file", "format");

    private static final Pattern BASE64 = Pattern.compile("[A-Za-z0-9+/=\r\n]*");
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
            bytes = decode(new String(bytes, StandardCharsets.ISO_8859_1));
        }
        return new Secret(bytes);
    }

    private static byte[] decode(String text) throws ConfigException {
        if (!BASE64.matcher(text).matches()) {
            throw new ConfigException("Base64 data contains invalid characters");
        }
        try {
            return Base64.getDecoder().decode(text.replaceAll("[\r\n]", ""));
        } catch (IllegalArgumentException e) {
            throw new ConfigException("Base64 data is not valid");
        }
    }

    private static byte[] read(String file) throws ConfigException {
        try {
            Path path = Path.of(file);
            if (Files.size(path) > MAX_LENGTH) {
                throw new ConfigException("Unable to read " + file + ": more than " + MAX_LENGTH + " bytes");
            }
            return Files.readAllBytes(path);
        } catch (NoSuchFileException e) {
            throw new ConfigException("Unable to read " + file + ": No such file or directory");
        } catch (AccessDeniedException e) {
            throw new ConfigException("Unable to read " + file + ": Permission denied");
        } catch (IOException | InvalidPathException e) {
            throw new ConfigException("Unable to read " + file + ": " + e.getMessage());
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
