package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.vportd.monitor.line.Screen;
import org.vportd.posix.Fd;
import org.vportd.posix.MessageSocket;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/** Somebody at a monitor for people: types, and sees what comes, while the rig's loop turns. */
final class Person implements AutoCloseable {
    static final String PROMPT = "(vportd) ";

    private static final int BUFFER_BYTES = 1 << 16;

    private final MonitorRig rig;
    private final Fd fd;
    private final long memory = NativeMemory.allocate(BUFFER_BYTES);
    private final ByteArrayOutputStream seen = new ByteArrayOutputStream();
    private boolean ended;
    private boolean closed;

    Person(MonitorRig rig, Fd fd) {
        this.rig = rig;
        this.fd = fd;
    }

    /** Connects to a monitor that listens at a UNIX socket. */
    static Person at(MonitorRig rig, String id) throws IOException {
        return new Person(rig, Sockets.connectUnix(rig.path(id)));
    }

    /** Types what there is room for; tells how much that was. */
    int type(String keys) throws PosixException {
        byte[] bytes = keys.getBytes(StandardCharsets.UTF_8);
        NativeMemory.put(bytes, 0, memory, bytes.length);
        return (int) Math.max(0, Posix.write(fd, memory, bytes.length));
    }

    /** Types a line and passes a descriptor along. */
    void type(String keys, Fd descriptor) throws IOException {
        byte[] bytes = keys.getBytes(StandardCharsets.UTF_8);
        NativeMemory.put(bytes, 0, memory, bytes.length);
        try (MessageSocket socket = new MessageSocket(fd.duplicate())) {
            assertTrue(socket.send(memory, bytes.length, List.of(descriptor)) == bytes.length);
        }
    }

    /** Says that nothing more is to be typed. */
    void typeNoMore() throws PosixException {
        Sockets.shutdownOutput(fd);
    }

    /** All that has been seen. */
    String seen() {
        try {
            long n = Posix.read(fd, memory, BUFFER_BYTES);
            while (n > 0) {
                byte[] bytes = new byte[(int) n];
                NativeMemory.get(memory, bytes, 0, bytes.length);
                seen.write(bytes, 0, bytes.length);
                n = Posix.read(fd, memory, BUFFER_BYTES);
            }
            ended |= n == 0;
        } catch (IOException e) {
            ended = true;
        }
        return seen.toString(StandardCharsets.UTF_8);
    }

    boolean hasEnded() {
        seen();
        return ended;
    }

    /** Waits until what has been seen ends so; what it was. */
    String until(String end) {
        rig.until("seen: " + end, () -> seen().endsWith(end));
        return seen();
    }

    /** Waits for a prompt. */
    String untilPrompt() {
        return until(PROMPT);
    }

    /** Forgets what has been seen. */
    Person forget() {
        seen.reset();
        return this;
    }

    /** What a terminal shows of what has been seen. */
    Screen screen() {
        return new Screen().print(seen());
    }

    /** The answer to a line. */
    String ask(String line) throws PosixException {
        untilPrompt();
        forget();
        type(line + "\n");
        String end = "\r\n" + PROMPT;
        rig.until("an answer to " + line, () -> seen().contains("\r\n") && seen().endsWith(end));
        String text = seen();
        assertTrue(text.startsWith(line + "\r\n"), text);
        return text.substring(line.length() + 2, text.length() - PROMPT.length())
                .replace("\r\n", "\n");
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            fd.close();
            NativeMemory.free(memory);
        }
    }
}
