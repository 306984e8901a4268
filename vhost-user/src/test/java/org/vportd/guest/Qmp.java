package org.vportd.guest;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/** QEMU's monitor, a client of the socket it was given by {@code -qmp unix:...,server=on,wait=off}. */
final class Qmp implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    private final Console channel;

    private Qmp(Console channel) {
        this.channel = channel;
    }

    /** Connects, as soon as QEMU listens. */
    static Qmp connect(Path socket) throws IOException {
        Qmp qmp = new Qmp(Console.connect(socket, TIMEOUT, () -> ""));
        qmp.channel.expect("{\"QMP\":", TIMEOUT);
        qmp.execute("qmp_capabilities");
        return qmp;
    }

    /** Runs a command without arguments to its end. */
    void execute(String command) {
        channel.send("{\"execute\": \"" + command + "\"}\n");
        channel.expect("{\"return\": {}}", TIMEOUT);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
