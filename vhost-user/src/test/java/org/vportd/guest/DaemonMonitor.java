package org.vportd.guest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.vportd.monitor.json.JsonException;
import org.vportd.monitor.json.JsonFramer;

/** A client of the daemon's QMP monitor. Events are kept until they are asked for. */
final class DaemonMonitor implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final Pattern LINE = Pattern.compile("\\A([^\r\n]*+)\r\n");

    private final Console channel;
    private final List<Map<?, ?>> events = new ArrayList<>();

    private DaemonMonitor(Console channel) {
        this.channel = channel;
    }

    /** Connects, as soon as the daemon listens. */
    static DaemonMonitor connect(Path socket) throws IOException {
        DaemonMonitor monitor = new DaemonMonitor(Console.connect(socket, TIMEOUT, () -> ""));
        assertTrue(monitor.message(TIMEOUT).containsKey("QMP"));
        Object unused = monitor.run("qmp_capabilities");
        return monitor;
    }

    /** Runs a command without arguments and returns its result. */
    @Nullable
    Object run(String command) {
        return run(command, "");
    }

    /** Runs a command whose arguments are given as the inside of a JSON object, where strings may be in single quotes. */
    @Nullable
    Object run(String command, String arguments) {
        Map<?, ?> response = response(command, arguments);
        assertTrue(response.containsKey("return"), () -> command + " " + arguments + ": " + response);
        return response.get("return");
    }

    /** Runs a command that answers with an object. */
    Map<?, ?> read(String command, String arguments) {
        return run(command, arguments) instanceof Map<?, ?> map ? map : Map.of();
    }

    private Map<?, ?> response(String command, String arguments) {
        channel.send("{'execute': '" + command + "', 'arguments': {" + arguments + "}}\n");
        while (true) {
            Map<?, ?> message = message(TIMEOUT);
            if (!message.containsKey("event")) {
                return message;
            }
            events.add(message);
        }
    }

    /** Takes the first event of a name out of what has come or comes in time. */
    Map<?, ?> awaitEvent(String name, Duration timeout) {
        Deadline deadline = Deadline.after(timeout);
        while (true) {
            for (Map<?, ?> event : events) {
                if (name.equals(event.get("event"))) {
                    events.remove(event);
                    return event;
                }
            }
            events.add(message(Duration.ofNanos(Math.max(0, deadline.remainingNs()))));
        }
    }

    /** The data of an event. */
    static Map<?, ?> data(Map<?, ?> event) {
        return event.get("data") instanceof Map<?, ?> map ? map : Map.of();
    }

    private Map<?, ?> message(Duration timeout) {
        String line = channel.expect(LINE, timeout).group(1);
        JsonFramer framer = new JsonFramer();
        byte[] bytes = line.getBytes(UTF_8);
        framer.feed(bytes, 0, bytes.length);
        try {
            return framer.next() instanceof Map<?, ?> map ? map : Map.of();
        } catch (JsonException e) {
            throw new AssertionError(line, e);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
