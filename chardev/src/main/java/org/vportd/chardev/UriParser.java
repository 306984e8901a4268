package org.vportd.chardev;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads a {@link ChardevUri} without the prefixes that say whose it is. */
final class UriParser {
    private static final Set<String> BARE =
            Set.of("null", "pty", "msmouse", "wctablet", "braille", "testdev", "stdio", "vc");
    private static final Set<String> STREAMS = Set.of("tcp", "telnet", "tn3270", "websocket");
    private static final Pattern PIXELS = Pattern.compile("([0-9]{1,7})x([0-9]{1,7})");
    private static final Pattern CHARACTERS = Pattern.compile("([0-9]{1,7})Cx([0-9]{1,7})C");
    private static final String HOST_AND_PORT = "(?:\\[([^\\]]{1,64})\\]|([^:\\[]{0,64})):([^:,@]{1,32})";
    private static final Pattern STREAM = Pattern.compile(HOST_AND_PORT + "(?:,(.*))?", Pattern.DOTALL);
    private static final Pattern UDP = Pattern.compile(HOST_AND_PORT + "(?:@" + HOST_AND_PORT + ")?");
    private static final String FORMS = "there are: null, pty[:PATH], stdio, vc[:WxH], file:PATH, pipe:PATH,"
            + " tcp:[HOST]:PORT[,opts], telnet:, tn3270:, websocket:, udp:[HOST]:PORT[@[HOST]:PORT],"
            + " unix:PATH[,opts], /dev/NAME, chardev:ID, mon:FORM";

    private final String uri;
    private final Consumer<String> warnings;

    UriParser(String uri, Consumer<String> warnings) {
        this.uri = uri;
        this.warnings = warnings;
    }

    /** The values of its options. */
    Map<String, String> parse() throws ConfigException {
        if (BARE.contains(uri)) {
            return values("backend", uri);
        }
        if (uri.startsWith("/dev/parport") || uri.startsWith("/dev/ppi")) {
            return values("backend", "parallel", "path", uri);
        }
        if (uri.startsWith("/dev/") || uri.startsWith("COM")) {
            return values("backend", "serial", "path", uri);
        }
        int colon = uri.indexOf(':');
        if (colon < 0) {
            throw invalid();
        }
        String scheme = uri.substring(0, colon);
        String rest = uri.substring(colon + 1);
        if (STREAMS.contains(scheme)) {
            return stream(scheme, rest);
        }
        return switch (scheme) {
            case "file", "pipe", "pty" -> values("backend", scheme, "path", rest);
            case "vc" -> console(rest);
            case "udp" -> udp(rest);
            case "unix" -> unix(rest);
            case "con" -> values("backend", "console");
            default -> throw invalid();
        };
    }

    /** The path comes first, even if there is an equals sign in it. */
    private Map<String, String> unix(String rest) {
        String text = rest.startsWith("path=") ? rest : "path=" + rest;
        return with(Options.parse(text, "path", warnings), "backend", "socket");
    }

    private Map<String, String> console(String size) throws ConfigException {
        Matcher pixels = PIXELS.matcher(size);
        if (pixels.matches()) {
            return values("backend", "vc", "width", pixels.group(1), "height", pixels.group(2));
        }
        Matcher characters = CHARACTERS.matcher(size);
        if (characters.matches()) {
            return values("backend", "vc", "cols", characters.group(1), "rows", characters.group(2));
        }
        throw invalid();
    }

    private Map<String, String> stream(String scheme, String rest) throws ConfigException {
        Matcher parts = STREAM.matcher(rest);
        if (!parts.matches()) {
            throw invalid();
        }
        String more = parts.group(4);
        Map<String, String> values =
                with(Options.parse(more == null ? "" : "," + more, "backend", warnings), "backend", "socket");
        values.put("host", host(parts, 1));
        values.put("port", parts.group(3));
        if (!scheme.equals("tcp")) {
            values.put(scheme, "on");
        }
        return values;
    }

    private Map<String, String> udp(String rest) throws ConfigException {
        Matcher parts = UDP.matcher(rest);
        if (!parts.matches()) {
            throw invalid();
        }
        Map<String, String> values = values("backend", "udp", "host", host(parts, 1), "port", parts.group(3));
        if (parts.group(6) != null) {
            values.put("localaddr", host(parts, 4));
            values.put("localport", parts.group(6));
        }
        return values;
    }

    private static String host(Matcher parts, int group) {
        String inBrackets = parts.group(group);
        return inBrackets == null ? textOf(parts.group(group + 1)) : inBrackets;
    }

    private static String textOf(@Nullable String group) {
        return group == null ? "" : group;
    }

    private static Map<String, String> with(Options options, String key, String value) {
        Map<String, String> values = new LinkedHashMap<>();
        values.put(key, value);
        for (String other : options.keys()) {
            values.putIfAbsent(other, options.string(other, ""));
        }
        return values;
    }

    private static Map<String, String> values(String... keysAndValues) {
        Map<String, String> values = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            values.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        return values;
    }

    private ConfigException invalid() {
        return new ConfigException("'" + uri + "' is not a valid char driver", FORMS);
    }
}
