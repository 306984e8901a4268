package org.vportd.chardev.socket;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.Fd;
import org.vportd.posix.LibC;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;

/** Socket chardevs of which one, {@code c}, is at a path in a folder of the test. */
abstract class SocketFixture {
    private static final int F_SETFD = 2;

    @TempDir
    Path folder;

    String path = "";
    ChardevFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
        path = folder.resolve("s").toString();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    /** A server at {@link #path}, with a front-end that takes input without limit. */
    RecordingHandler server() throws ConfigException {
        return fixture.front("socket,id=c,server=on,wait=off,path=" + path);
    }

    /** The chardev under test. */
    Chardev chardev() {
        return Objects.requireNonNull(fixture.chardevs().find("c"));
    }

    /** Connects to {@link #path}. */
    Peer connect() throws IOException {
        return fixture.closing(new Peer(UnixAddress.ofPath(path).connect()));
    }

    /** Connects to a port of this host. */
    Peer connectTcp(int port) throws IOException {
        return fixture.closing(new Peer(Sockets.connectTcp(loopback(port))));
    }

    static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    /** Turns until an event has come so often. */
    void until(RecordingHandler front, ChardevEvent event, int count) {
        fixture.loop().until(count + " " + event, () -> front.count(event) == count);
    }

    /** Waits for who connects. */
    Peer accept(Fd listener) {
        List<Fd> accepted = new ArrayList<>();
        fixture.loop().until("accepted", () -> {
            try {
                Fd fd = Sockets.accept(listener);
                return fd != null && accepted.add(fd);
            } catch (PosixException e) {
                throw new AssertionError(e);
            }
        });
        return fixture.closing(new Peer(accepted.get(0)));
    }

    /** Leaves a descriptor open as one that the program was started with; its number. */
    static int inherited(Fd fd) {
        int number = fd.release();
        LibC.C.fcntl(number, F_SETFD, 0);
        return number;
    }
}
