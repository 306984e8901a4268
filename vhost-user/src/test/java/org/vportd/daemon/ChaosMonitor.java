package org.vportd.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.vportd.monitor.json.JsonException;
import org.vportd.monitor.json.JsonFramer;

/** A client of a QMP monitor, which waits for each answer. */
final class ChaosMonitor implements AutoCloseable {
    private final SocketChannel channel;
    private final ByteBuffer input = ByteBuffer.allocate(64 * 1024).flip();
    private final JsonFramer framer = new JsonFramer();

    ChaosMonitor(Path socket) throws Exception {
        channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        assertTrue(next().containsKey("QMP"));
        assertTrue(succeeds("qmp_capabilities", ""));
    }

    private Map<?, ?> next() throws IOException, JsonException {
        while (true) {
            input.position(framer.feed(input.array(), input.position(), input.limit()));
            if (framer.isComplete()) {
                return assertInstanceOf(Map.class, framer.next());
            }
            assertTrue(channel.read(input.clear()) > 0, "the monitor has gone");
            input.flip();
        }
    }

    /** The response to a command, whose arguments are the inside of a JSON object. */
    Map<?, ?> ask(String command, String arguments) throws Exception {
        ByteBuffer request = UTF_8.encode("{'execute': '" + command + "', 'arguments': {" + arguments + "}}");
        while (request.hasRemaining()) {
            channel.write(request);
        }
        Map<?, ?> message = next();
        while (message.containsKey("event")) {
            message = next();
        }
        return message;
    }

    /** Whether a command succeeds; if not, the error is one that tells something. */
    boolean succeeds(String command, String arguments) throws Exception {
        Map<?, ?> response = ask(command, arguments);
        if (response.get("error") instanceof Map<?, ?> error) {
            assertFalse(String.valueOf(error.get("desc")).isBlank(), response::toString);
            assertFalse(String.valueOf(error.get("desc")).contains("Exception"), response::toString);
            return false;
        }
        assertTrue(response.containsKey("return"), response::toString);
        return true;
    }

    /** The file names of all chardevs, by id. */
    Map<String, String> chardevs() throws Exception {
        Map<String, String> names = new TreeMap<>();
        for (Object entry :
                assertInstanceOf(List.class, ask("query-chardev", "").get("return"))) {
            Map<?, ?> info = assertInstanceOf(Map.class, entry);
            names.put(String.valueOf(info.get("label")), String.valueOf(info.get("filename")));
        }
        return names;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
