package org.vportd.chardev.layer;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The answer to a client that asks for WebSocket (RFC 6455 section 4.2).
 *
 * @param response what to send, up to the empty line
 * @param failure why it is refused, empty if it is not
 */
record Handshake(String response, String failure) {
    /** How long a request may be at most, with the empty line at its end. */
    static final int MAX_REQUEST_LENGTH = 4096;

    private static final String ACCEPT_SALT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private static final String SUBPROTOCOL = "binary";
    private static final int KEY_LENGTH = 24;

    /** Whether the client gets what it wants. */
    boolean isAccepted() {
        return failure.isEmpty();
    }

    /** The answer to a request whose end did not come. */
    static Handshake tooLong() {
        return refused("403 Forbidden", "End of headers not found in first " + MAX_REQUEST_LENGTH + " bytes");
    }

    /**
     * Judges a request.
     *
     * @param request without the empty line at its end
     */
    static Handshake answer(String request) {
        String[] lines = request.split("\r\n", -1);
        String[] words = lines[0].split(" ", -1);
        if (words.length != 3) {
            return badRequest("malformed request line");
        }
        if (!words[0].equals("GET")) {
            return badRequest("Unsupported HTTP method " + printable(words[0]));
        }
        if (!words[1].equals("/")) {
            return refused("404 Not Found", "Unexpected path " + printable(words[1]));
        }
        if (!words[2].equals("HTTP/1.1")) {
            return badRequest("Unsupported HTTP version " + printable(words[2]));
        }
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (String line : Arrays.asList(lines).subList(1, lines.length)) {
            int colon = line.indexOf(':');
            if (colon < 1) {
                return badRequest("malformed header");
            }
            headers.merge(line.substring(0, colon), line.substring(colon + 1).trim(), (a, b) -> a + "," + b);
        }
        return answer(headers);
    }

    private static Handshake answer(Map<String, String> headers) {
        for (String required :
                new String[] {"Host", "Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key"}) {
            if (!headers.containsKey(required)) {
                return badRequest("Missing " + required.toLowerCase(Locale.ROOT) + " header");
            }
        }
        String key = headers.getOrDefault("Sec-WebSocket-Key", "");
        String version = headers.getOrDefault("Sec-WebSocket-Version", "");
        String upgrade = headers.getOrDefault("Upgrade", "");
        String protocols = headers.get("Sec-WebSocket-Protocol");
        if (protocols != null && !names(protocols, SUBPROTOCOL)) {
            return badRequest(
                    "No '" + SUBPROTOCOL + "' protocol is supported by client '" + printable(protocols) + "'");
        }
        if (!version.equals("13")) {
            return badRequest("Version '13' is not supported by client '" + printable(version) + "'");
        }
        if (key.length() != KEY_LENGTH) {
            return badRequest("Key length '" + key.length() + "' was not as expected '" + KEY_LENGTH + "'");
        }
        if (!names(headers.getOrDefault("Connection", ""), "Upgrade")) {
            return badRequest("No connection upgrade requested");
        }
        if (!upgrade.equalsIgnoreCase("websocket")) {
            return badRequest("Incorrect upgrade method '" + printable(upgrade) + "'");
        }
        StringBuilder response = head("101 Switching Protocols");
        response.append("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
        response.append(accept(key)).append("\r\n");
        if (protocols != null) {
            response.append("Sec-WebSocket-Protocol: ").append(SUBPROTOCOL).append("\r\n");
        }
        return new Handshake(response.append("\r\n").toString(), "");
    }

    private static boolean names(String list, String item) {
        return Arrays.stream(list.split(",", -1)).anyMatch(each -> each.trim().equalsIgnoreCase(item));
    }

    private static Handshake badRequest(String failure) {
        return refused("400 Bad Request", failure);
    }

    private static Handshake refused(String status, String failure) {
        StringBuilder response = head(status);
        response.append("Connection: close\r\nContent-Length: 0\r\nSec-WebSocket-Version: 13\r\n\r\n");
        return new Handshake(response.toString(), failure);
    }

    private static StringBuilder head(String status) {
        String date = DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC));
        return new StringBuilder("HTTP/1.1 ")
                .append(status)
                .append("\r\nServer: vportd\r\nDate: ")
                .append(date)
                .append("\r\n");
    }

    private static String accept(String key) {
        try {
            byte[] salted = (key + ACCEPT_SALT).getBytes(StandardCharsets.ISO_8859_1);
            return Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-1").digest(salted));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }

    private static String printable(String text) {
        String shortened = text.length() > 80 ? text.substring(0, 80) : text;
        return shortened.replaceAll("[^\\x20-\\x7e]", "?");
    }
}
