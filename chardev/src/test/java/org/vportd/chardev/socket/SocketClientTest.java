package org.vportd.chardev.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.Fd;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;

/** Sockets that connect, and connect again. */
class SocketClientTest extends SocketFixture {
    @Test
    @DisplayName("CH-13 without reconnect a failed connect fails the add")
    void shouldFailWhenServerIsMissing() throws Exception {
        assertEquals(
                "Failed to connect to '" + path + "': No such file or directory",
                fixture.refusal("socket,id=c,path=" + path));
        int port;
        try (Fd listener = Sockets.listenTcp(loopback(0), 1)) {
            port = Objects.requireNonNull(Sockets.localAddress(listener)).getPort();
        }
        assertEquals(
                "Failed to connect to '127.0.0.1:" + port + "': Connection refused",
                fixture.refusal("socket,id=c,host=127.0.0.1,port=" + port));
    }

    @Test
    void shouldStayClosedWhenServerOfPlainClientLeaves() throws Exception {
        try (Fd listener = UnixAddress.ofPath(path).listen(1)) {
            RecordingHandler front = fixture.front("socket,id=c,path=" + path);
            assertEquals(List.of(ChardevEvent.OPENED), front.events());
            assertEquals("unix:" + path, chardev().filename());

            accept(listener).close();
            until(front, ChardevEvent.CLOSED, 1);

            assertEquals("disconnected:unix:" + path, chardev().filename());
            fixture.loop().settle();
            assertEquals(1, front.count(ChardevEvent.OPENED));
        }
    }

    @Test
    @DisplayName("CH-13 reconnect-ms: one log line per outage, connects when the server is there, and again after loss")
    void shouldReconnect() throws Exception {
        RecordingHandler front = fixture.front("socket,id=c,reconnect-ms=20,path=" + path);
        String line = "WARNING Unable to connect character device c: Failed to connect to '" + path
                + "': No such file or directory";
        assertEquals(List.of(line), fixture.log());
        for (int i = 0; i < 10; i++) {
            fixture.loop().loop().turn(20);
        }
        assertEquals(1, fixture.log().size());

        for (int i = 1; i <= 3; i++) {
            int round = i;
            Fd listener = fixture.closing(UnixAddress.ofPath(path).listen(1));
            until(front, ChardevEvent.OPENED, round);
            Peer served = accept(listener);
            served.write("hello");
            listener.close();
            Files.delete(Path.of(path));
            served.close();
            until(front, ChardevEvent.CLOSED, round);
            fixture.loop()
                    .until("the next outage is logged", () -> fixture.log().size() == round + 1);
        }
        assertEquals("hello".repeat(3), front.text());
    }

    @Test
    @DisplayName("CH-13 reconnecting over TCP, by number and by name")
    void shouldReconnectOverTcp() throws Exception {
        for (String host : List.of("127.0.0.1", "localhost")) {
            Fd listener = Sockets.listenTcp(loopback(0), 1);
            int port = Objects.requireNonNull(Sockets.localAddress(listener)).getPort();
            listener.close();
            fixture.log().clear();
            RecordingHandler front = fixture.front("socket,id=" + host.replaceAll("[^a-z]", "x")
                    + ",ipv4=on,reconnect-ms=20,host=" + host + ",port=" + port);
            fixture.loop().until("failed", () -> !fixture.log().isEmpty());
            assertTrue(
                    fixture.log()
                            .get(0)
                            .endsWith("Failed to connect to '" + host + ":" + port + "': Connection refused"),
                    fixture.log().toString());
            try (Fd server = Sockets.listenTcp(loopback(port), 1)) {
                until(front, ChardevEvent.OPENED, 1);
                accept(server).write("over " + host);
                fixture.loop().until("data", () -> front.text().equals("over " + host));
            }
            assertEquals(1, fixture.log().size());
        }
    }

    @Test
    void shouldForgetAttemptUnderWayWhenClosed() throws Exception {
        fixture.add("socket,id=c,reconnect-ms=20,host=localhost,port=1");
        fixture.add("socket,id=d,reconnect-ms=20,host=127.0.0.1,port=1");
        fixture.chardevs().remove("c");
        fixture.chardevs().remove("d");
        fixture.loop().loop().turn(50);

        assertEquals(List.of(), fixture.log());
    }
}
