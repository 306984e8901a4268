package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vportd.monitor.json.JsonException;
import org.vportd.monitor.json.JsonFramer;
import org.vportd.posix.Fd;
import org.vportd.posix.MessageSocket;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Sockets;

/** A client of a monitor: sends what the test likes, and reads line by line while the rig's loop turns. */
final class QmpClient implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 20;

    private final MonitorRig rig;
    private final MessageSocket socket;
    private final long memory = NativeMemory.allocate(BUFFER_BYTES);
    private final Deque<String> lines = new ArrayDeque<>();
    private final StringBuilder partial = new StringBuilder();
    private final List<Map<?, ?>> events = new ArrayList<>();
    private boolean ended;
    private boolean closed;

    QmpClient(MonitorRig rig, String path) throws IOException {
        this.rig = rig;
        this.socket = new MessageSocket(Sockets.connectUnix(path));
    }

    /** Reads the greeting and answers it. */
    QmpClient negotiated() {
        assertTrue(json(line()).containsKey("QMP"));
        assertEquals("{\"return\": {}}", ask("{\"execute\": \"qmp_capabilities\"}"));
        return this;
    }

    QmpClient send(String text) {
        return send(text.getBytes(StandardCharsets.UTF_8), List.of());
    }

    QmpClient send(String text, Fd descriptor) {
        return send(text.getBytes(StandardCharsets.UTF_8), List.of(descriptor));
    }

    QmpClient send(byte[] bytes, List<Fd> descriptors) {
        int at = 0;
        while (at < bytes.length) {
            int part = Math.min(bytes.length - at, BUFFER_BYTES);
            NativeMemory.put(bytes, at, memory, part);
            long[] sent = new long[1];
            List<Fd> passed = at == 0 ? descriptors : List.of();
            rig.until("room to send", () -> {
                try {
                    sent[0] = Math.max(0, socket.send(memory, part, passed));
                    return sent[0] > 0;
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            at += (int) sent[0];
        }
        return this;
    }

    /** Sends without waiting for room; tells how much was taken. */
    int trySend(String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        NativeMemory.put(bytes, 0, memory, bytes.length);
        return (int) Math.max(0, socket.send(memory, bytes.length, List.of()));
    }

    /** Sends a command and waits for its response; events before it are kept. The text, without the line's end. */
    String ask(String command) {
        send(command);
        return response();
    }

    /** The next line that is no event. */
    String response() {
        while (true) {
            String line = line();
            Map<?, ?> message = json(line);
            if (!message.containsKey("event")) {
                return line;
            }
            events.add(message);
        }
    }

    /** The {@code return} of a command. */
    @Nullable
    Object result(String command) {
        Map<?, ?> response = json(ask(command));
        assertTrue(response.containsKey("return"), response::toString);
        return response.get("return");
    }

    /** The message with which a command is refused, after its class unless that is the usual one. */
    String error(String command) {
        return errorOf(ask(command));
    }

    static String errorOf(String response) {
        Map<?, ?> error = json(response).get("error") instanceof Map<?, ?> map ? map : Map.of();
        assertTrue(error.containsKey("class") && error.containsKey("desc"), response);
        String prefix = "GenericError".equals(error.get("class")) ? "" : error.get("class") + ": ";
        return prefix + error.get("desc");
    }

    /** The next event, with its data. */
    Map<?, ?> event() {
        while (events.isEmpty()) {
            Map<?, ?> message = json(line());
            assertTrue(message.containsKey("event"), message::toString);
            events.add(message);
        }
        return events.remove(0);
    }

    /** Whether nothing has come that was not asked for. */
    boolean isQuiet() {
        rig.settle();
        read();
        return events.isEmpty() && lines.isEmpty() && partial.isEmpty();
    }

    /** The next line, without its end. */
    String line() {
        rig.until("a line from the monitor", () -> {
            read();
            return !lines.isEmpty();
        });
        String line = lines.remove();
        assertTrue(line.chars().allMatch(c -> c >= 0x20 && c < 0x7f), () -> "not ASCII: " + line);
        return line;
    }

    /** All bytes that have come and have not been looked at. */
    String rest() {
        rig.settle();
        read();
        StringBuilder rest = new StringBuilder();
        lines.forEach(line -> rest.append(line).append("\r\n"));
        lines.clear();
        String text = rest.append(partial).toString();
        partial.setLength(0);
        return text;
    }

    boolean hasEnded() {
        read();
        return ended;
    }

    private void read() {
        try {
            long n = socket.receive(memory, BUFFER_BYTES);
            while (n > 0) {
                byte[] bytes = new byte[(int) n];
                NativeMemory.get(memory, bytes, 0, bytes.length);
                partial.append(new String(bytes, StandardCharsets.ISO_8859_1));
                n = socket.receive(memory, BUFFER_BYTES);
            }
            ended |= n == 0;
            split();
        } catch (IOException e) {
            ended = true;
        }
    }

    private void split() {
        int from = 0;
        for (int end = partial.indexOf("\r\n"); end >= 0; end = partial.indexOf("\r\n", from)) {
            lines.add(partial.substring(from, end));
            from = end + 2;
        }
        partial.delete(0, from);
    }

    static Map<?, ?> json(String text) {
        JsonFramer framer = new JsonFramer();
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        framer.feed(bytes, 0, bytes.length);
        assertTrue(framer.isComplete(), text);
        try {
            return framer.next() instanceof Map<?, ?> map ? map : Map.of();
        } catch (JsonException e) {
            throw new AssertionError(text, e);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            socket.close();
            NativeMemory.free(memory);
        }
    }
}
