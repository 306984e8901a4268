package org.vportd.chardev.socket;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/** Finds the ports that users name, by number or as a service. */
public final class ServicePorts {
    /** The largest port. */
    public static final int MAX_PORT = 65535;

    private static final Path DATABASE = Path.of("/etc/services");
    private static final Pattern NUMBER = Pattern.compile("[-+]?[0-9]*");

    private ServicePorts() {}

    /**
     * The port that an option names.
     *
     * @param key of the option; it must be given
     * @param min the smallest number that will do
     * @param protocol {@code tcp} or {@code udp}
     * @param host whose port it is, for the error
     * @throws ConfigException if it is no port and no service of that protocol
     */
    public static int of(Options options, String key, int min, String protocol, String host) throws ConfigException {
        String text = options.string(key, "");
        if (NUMBER.matcher(text).matches()) {
            return (int) options.number(key, 0, min, MAX_PORT);
        }
        OptionalInt known = find(lines(), text, protocol);
        if (known.isEmpty()) {
            throw new ConfigException(
                    "address resolution failed for " + InetHost.text(host, text)
                            + ": Servname not supported for ai_socktype",
                    "'" + key + "' takes a number or a " + protocol + " service of " + DATABASE);
        }
        return known.getAsInt();
    }

    private static List<String> lines() {
        try {
            return Files.readAllLines(DATABASE, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return List.of(); // not there: nothing has a name
        }
    }

    /** Looks a service up in lines such as {@code ntp 123/udp alias # comment}. */
    static OptionalInt find(List<String> lines, String service, String protocol) {
        for (String line : lines) {
            int comment = line.indexOf('#');
            String[] words =
                    (comment < 0 ? line : line.substring(0, comment)).trim().split("\\s+");
            if (words.length < 2 || !words[1].matches("[0-9]{1,5}/" + Pattern.quote(protocol))) {
                continue;
            }
            List<String> names = Arrays.asList(words);
            int port = Integer.parseInt(words[1].substring(0, words[1].indexOf('/')));
            if (port <= MAX_PORT && !service.contains("/") && names.contains(service)) {
                return OptionalInt.of(port);
            }
        }
        return OptionalInt.empty();
    }
}
