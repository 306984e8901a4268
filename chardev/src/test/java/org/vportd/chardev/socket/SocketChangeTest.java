package org.vportd.chardev.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.chardev.ChardevHandler;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.FileStatus;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.Poll;
import org.vportd.posix.PosixException;
import org.vportd.posix.UnixAddress;
import org.vportd.testing.OpenDescriptors;

/** Sockets in the place of other chardevs. */
class SocketChangeTest extends SocketFixture {
    @Override
    @AfterEach
    void close() throws Exception {
        super.close();
        assertFalse(Files.exists(Path.of(path), LinkOption.NOFOLLOW_LINKS), "the last one removes the file");
    }

    private Chardev change(String options) throws ConfigException {
        return fixture.chardevs().change("c", Options.parse(options, "backend", warning -> {}));
    }

    private String changeRefusal(String options) {
        return String.valueOf(
                assertThrows(ConfigException.class, () -> change(options)).getMessage());
    }

    @Test
    @DisplayName("CH-35 a change to a server on the same path keeps the socket file, which can be connected to")
    void shouldKeepTheListeningSocketOnTheSamePath() throws Exception {
        RecordingHandler front = server();
        FileStatus file = FileStatus.ofLink(path);

        change("socket,server=on,wait=off,nodelay=on,path=" + path);
        assertTrue(file.isSameFile(FileStatus.ofLink(path)));
        connect();
        until(front, ChardevEvent.OPENED, 1);
        change("socket,server=on,wait=off,path=" + folder + "/./s");

        assertTrue(file.isSameFile(FileStatus.ofLink(path)));
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
        connect();
        until(front, ChardevEvent.OPENED, 2);
    }

    @Test
    @DisplayName("CH-35 whoever waits in the queue during a change is served by the new one, and no byte is lost")
    void shouldServeWhoWaitsInTheQueue() throws Exception {
        RecordingHandler front = server();
        Peer first = connect();
        until(front, ChardevEvent.OPENED, 1);
        Peer second = connect();
        second.write("second");

        change("socket,server=on,wait=off,path=" + path);
        until(front, ChardevEvent.OPENED, 2);
        fixture.loop().until("data", () -> front.text().equals("second"));

        assertTrue(first.isAtEnd());
        assertEquals(6, front.write("answer"));
        assertEquals("answer", second.text());
    }

    @Test
    @DisplayName(
            "CH-16 telnet over a socket: the greeting precedes data, a break is an event; CH-35 it comes by a change")
    void shouldSpeakTelnetAfterChangeOnTheSamePath() throws Exception {
        RecordingHandler front = server();
        Peer peer = connect();
        peer.write("a\u00ff\u00f3b\u00ff\u00ff");

        change("socket,server=on,wait=off,telnet=on,path=" + path);
        until(front, ChardevEvent.OPENED, 1);
        fixture.loop().until("data", () -> front.text().equals("ab\u00ff"));
        front.write("\u00ff!");

        String greeting = "\u00ff\u00fb\u0001\u00ff\u00fb\u0003\u00ff\u00fb\u0000\u00ff\u00fd\u0000";
        assertEquals(greeting + "\u00ff\u00ff!", peer.text());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.BREAK), front.events());
    }

    @Test
    @DisplayName("CH-18 websocket over a socket: open after the handshake, then the next client is served")
    void shouldSpeakWebsocket() throws Exception {
        RecordingHandler front = fixture.front("socket,id=c,server=on,wait=off,websocket=on,path=" + path);
        Peer stranger = connect();
        stranger.write("GET /elsewhere HTTP/1.1\r\n\r\n");
        fixture.loop().until("refused", () -> stranger.text().contains("404"));
        stranger.close();
        Peer peer = connect();
        List<String> request = List.of(
                "GET / HTTP/1.1",
                "Host: h",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");
        peer.write(String.join("\r\n", request) + "\r\n\r\n");
        until(front, ChardevEvent.OPENED, 1);
        peer.write("\u0082\u0082\u0000\u0000\u0000\u0000hi");
        fixture.loop().until("data", () -> front.text().equals("hi"));
        front.write("ho");
        fixture.loop().until("frame", () -> peer.text().endsWith("\u0082\u0002ho"));
        assertTrue(peer.text().contains("101 Switching Protocols"), peer.text());
        peer.close();
        until(front, ChardevEvent.CLOSED, 1);
        fixture.loop().settle();
    }

    @Test
    @DisplayName("CH-33 a failed change leaves the server, its client and its file as they were")
    void shouldLeaveTheOldOneWhenTheChangeFails() throws Exception {
        RecordingHandler front = server();
        Peer peer = connect();
        until(front, ChardevEvent.OPENED, 1);
        FileStatus file = FileStatus.ofLink(path);
        String other = folder.resolve("other").toString();
        fixture.add("socket,id=d,server=on,wait=off,path=" + other);

        assertEquals(
                "Failed to bind socket to " + other + ": Address already in use",
                changeRefusal("socket,server=on,wait=off,path=" + other));
        assertEquals(
                "No TLS credentials with id 'x'", changeRefusal("socket,server=on,wait=off,tls-creds=x,path=" + path));
        assertEquals(
                "Failed to bind socket to /x/y: No such file or directory",
                changeRefusal("socket,server=on,path=/x/y"));
        assertEquals("Failed to connect to '/x/y': No such file or directory", changeRefusal("socket,path=/x/y"));
        assertEquals("Could not open '/x/y': No such file or directory", changeRefusal("file,path=/x/y"));

        assertTrue(file.isSameFile(FileStatus.ofLink(path)));
        peer.write("in");
        fixture.loop().until("data", () -> front.text().equals("in"));
        front.write("out");
        assertEquals("out", peer.text());
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
        peer.close();
        until(front, ChardevEvent.CLOSED, 1);
        connect();
        until(front, ChardevEvent.OPENED, 2);
    }

    @Test
    @DisplayName(
            "CH-34 a failed change of a chardev without front-end leaves it, a change to its own path keeps the file")
    void shouldChangeWithoutFrontend() throws Exception {
        fixture.add("socket,id=c,server=on,wait=off,path=" + path);
        assertEquals(
                "Failed to bind socket to /x/y: No such file or directory",
                changeRefusal("socket,server=on,path=/x/y"));
        assertEquals("disconnected:unix:" + path + ",server=on", chardev().filename());

        change("socket,server=on,wait=off,path=" + path);

        connect();
        fixture.loop().until("connected", chardev()::isOpen);
    }

    @Test
    @DisplayName("CH-31 what cannot be changed, in the order in which it is found out")
    void shouldRefuseChanges() throws Exception {
        assertEquals("Chardev 'c' does not exist", changeRefusal("bogus,path=" + path));
        Chardev chardev = fixture.add("socket,id=c,server=on,wait=off,path=" + path);
        ChardevFrontend fixed = new ChardevFrontend(new FixedHandler());
        fixed.attach(chardev);
        assertEquals("Chardev user does not support chardev hotswap", changeRefusal("bogus,path=" + path));
        fixed.detach();
        fixture.attach(chardev);
        assertEquals("'bogus' is not a valid char driver name", changeRefusal("bogus,path=" + path));
        assertEquals("Invalid parameter 'foo'", changeRefusal("socket,foo=1,path=" + path));
    }

    /** A user that keeps to the chardev it has. */
    private static final class FixedHandler implements ChardevHandler {
        @Override
        public IoVector receiveBuffers() {
            return new IoVector();
        }

        @Override
        public void received(long bytes) {}

        @Override
        public void buffersGone(MemoryFaultException fault) {}

        @Override
        public boolean isReceiving() {
            return false;
        }

        @Override
        public void onWritable() {}

        @Override
        public void onEvent(ChardevEvent event) {}

        @Override
        public boolean isReplaceable() {
            return false;
        }
    }

    @Test
    @DisplayName(
            "CH-32 from a file to a server: CLOSED, then OPENED with the first client; to a ring buffer: no CLOSED")
    void shouldTellFrontendWhatChanges() throws Exception {
        RecordingHandler front = fixture.front("file,id=c,path=" + folder.resolve("f"));
        change("socket,server=on,wait=off,path=" + path);
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
        Peer peer = connect();
        until(front, ChardevEvent.OPENED, 2);

        change("ringbuf");

        assertTrue(peer.isAtEnd());
        assertEquals(1, front.count(ChardevEvent.CLOSED));
    }

    @Test
    void shouldTakeNewFileWhenTheOldOneWasRemoved() throws Exception {
        RecordingHandler front = server();
        Files.delete(Path.of(path));

        change("socket,server=on,wait=off,path=" + path);

        connect();
        until(front, ChardevEvent.OPENED, 1);
    }

    @Test
    void shouldMoveToAnotherPathAndRemoveTheFirst() throws Exception {
        RecordingHandler front = server();
        Path other = folder.resolve("other");

        change("socket,server=on,wait=off,path=" + other);
        assertFalse(Files.exists(Path.of(path), LinkOption.NOFOLLOW_LINKS));
        fixture.closing(UnixAddress.ofPath(other.toString()).connect());
        until(front, ChardevEvent.OPENED, 1);
        change("null");

        assertFalse(Files.exists(other, LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    @DisplayName("CH-35 the same TCP port, whether it was chosen or named")
    void shouldKeepTcpPort() throws Exception {
        RecordingHandler front = fixture.front("socket,id=c,server=on,wait=off,host=127.0.0.1,port=0");
        String before = chardev().filename();
        int port = port(before);
        Peer waiting = connectTcp(port);
        waiting.write("waiting");

        change("socket,server=on,wait=off,host=127.0.0.1,port=" + port);
        until(front, ChardevEvent.OPENED, 1);
        fixture.loop().until("data", () -> front.text().equals("waiting"));
        change("socket,server=on,wait=off,host=localhost,ipv4=on,port=" + port + ",to=" + Math.min(65535, port + 1));
        assertEquals(before, chardev().filename());
        change("socket,server=on,wait=off,host=127.0.0.1,port=0");
        assertNotEquals(before, chardev().filename(), "any port is asked for where one was named before");

        connectTcp(port(chardev().filename()));
        until(front, ChardevEvent.OPENED, 2);
        String chosen = chardev().filename().replaceAll(" <->.*", "");
        change("socket,server=on,wait=off,host=127.0.0.1,port=0");
        assertEquals("disconnected:" + chosen, chardev().filename());
    }

    @Test
    @DisplayName("CH-35 the same port of all addresses, but not of another family")
    void shouldKeepPortOfAllAddresses() throws Exception {
        RecordingHandler front = fixture.front("socket,id=c,server=on,wait=off,host=,port=0");
        int port = Integer.parseInt(chardev().filename().replaceAll(".*:|,.*", ""));
        String again = "socket,server=on,wait=off,nodelay=on,host=,port=" + port;
        change(again);
        if (chardev().filename().contains("[::]")) {
            assertEquals("Failed to find an available port: Address already in use", changeRefusal(again + ",ipv6=on"));
        }

        connectTcp(port);
        until(front, ChardevEvent.OPENED, 1);
    }

    private static int port(String filename) {
        return Integer.parseInt(filename.replaceAll("^[^0-9]*[0-9.]+:|[, ].*", ""));
    }

    @Test
    @DisplayName("CH-35 an abstract name, and a listening socket that was passed")
    void shouldKeepAbstractNameAndPassedListener() throws Exception {
        String name = "vportd-change-" + ProcessHandle.current().pid();
        RecordingHandler front = fixture.front("socket,id=c,server=on,wait=off,abstract=on,path=" + name);
        change("socket,server=on,wait=off,nodelay=on,abstract=on,path=" + name);
        fixture.closing(UnixAddress.ofAbstract(name, true).connect());
        until(front, ChardevEvent.OPENED, 1);

        int number = inherited(UnixAddress.ofAbstract(name + "2", true).listen(1));
        change("socket,server=on,wait=off,fd=" + number);
        change("socket,server=on,wait=off,nodelay=on,fd=" + number);
        fixture.closing(UnixAddress.ofAbstract(name + "2", true).connect());
        until(front, ChardevEvent.OPENED, 2);
    }

    @Test
    @DisplayName(
            "CH-35 200 changes, connections and hang-ups on one path: it can always be connected to, and no byte is lost")
    void shouldSurviveManyChanges() throws Exception {
        RecordingHandler front = server().checkingPattern();
        long descriptors = OpenDescriptors.count();
        List<Peer> peers = new ArrayList<>();
        Random random = new Random(7);
        int connections = 0;
        long received = 0;
        for (int step = 0; step < 200; step++) {
            switch (random.nextInt(4)) {
                case 0 ->
                    change("socket,server=on,wait=off,nodelay=" + (step % 2 == 0 ? "on" : "off") + ",path=" + path);
                case 1 -> {
                    peers.forEach(Peer::close);
                    peers.clear();
                }
                case 2 -> changeRefusal("socket,server=on,path=/x/y");
                default -> fixture.loop().settle();
            }
            peers.removeIf(peer -> {
                boolean gone = peer.isAtEnd();
                if (gone) {
                    peer.close();
                }
                return gone;
            });
            if (!peers.isEmpty()) {
                continue;
            }
            Peer peer = new Peer(UnixAddress.ofPath(path).connect());
            peers.add(peer);
            connections++;
            long from = received;
            fixture.loop().until("served", () -> front.frontend().isBackendOpen());
            int bytes = 1 + random.nextInt(20_000);
            peer.continuePattern(from);
            peer.writePattern(bytes);
            received += bytes;
            long expected = received;
            fixture.loop().until("data", () -> front.receivedBytes() == expected);
        }
        peers.forEach(Peer::close);
        fixture.loop().until("all have left", () -> !front.frontend().isBackendOpen());

        assertTrue(connections > 40, "connections=" + connections);
        OpenDescriptors.assertNoneSince(descriptors);
    }

    @Test
    @DisplayName("CH-36 a TCP peer that sends while its chardev is changed gets all output that was taken for it")
    void shouldPutOutAllWhenPeerSendsDuringChange() throws Exception {
        RecordingHandler front = fixture.front("socket,id=c,server=on,wait=off,host=127.0.0.1,port=0");
        Peer peer = connectTcp(front);
        long expected = fill(front);
        assertTrue(peer.write("nobody reads this") > 0);
        long descriptors = OpenDescriptors.count();
        change("null");
        assertTrue(peer.write("nor this") > 0);
        fixture.loop().until("all output has come", () -> peer.text().length() == expected);
        fixture.loop().until("the connection has ended", peer::isAtEnd);
        fixture.loop().until("nothing stays", () -> OpenDescriptors.count() == descriptors - 2);
    }

    @Test
    @DisplayName("CH-36 a TCP peer that sends when the program ends gets all output that was taken for it")
    void shouldPutOutAllWhenPeerSendsAtTheEnd() throws Exception {
        RecordingHandler front = fixture.front("socket,id=c,server=on,wait=off,host=127.0.0.1,port=0");
        Peer peer = connectTcp(front);
        long expected = fill(front);
        assertTrue(peer.write("nobody reads this") > 0);
        front.frontend().detach();
        fixture.loop().loop().stop();
        CountDownLatch ending = new CountDownLatch(1);
        CompletableFuture<Integer> received = CompletableFuture.supplyAsync(() -> {
            try {
                ending.await();
                while (peer.text().length() < expected && !peer.isAtEnd()) {
                    peer.write("nor this");
                    Poll.await(peer.fd(), Poll.POLLIN, 5);
                }
            } catch (InterruptedException | PosixException e) {
                throw new CompletionException(e);
            }
            return peer.text().length();
        });
        ending.countDown();
        fixture.chardevs().close();
        assertEquals(expected, received.get(10, TimeUnit.SECONDS).longValue());
    }

    @Test
    @DisplayName("SEC-105 a TCP peer that reads nothing does not keep the program from ending")
    void shouldEndSoonWhenPeerReadsNothing() throws Exception {
        long descriptors = OpenDescriptors.count();
        RecordingHandler front = fixture.front("socket,id=c,server=on,wait=off,host=127.0.0.1,port=0");
        Peer peer = connectTcp(front);
        fill(front);
        front.frontend().detach();
        fixture.loop().loop().stop();
        fixture.chardevs().close();
        assertEquals(descriptors + 1, OpenDescriptors.count(), peer.fd().toString());
    }

    private Peer connectTcp(RecordingHandler front) throws Exception {
        int port = Integer.parseInt(chardev().filename().replaceAll(".*:(\\d+),server=on", "$1"));
        Peer peer = connectTcp(port);
        until(front, ChardevEvent.OPENED, 1);
        return peer;
    }

    /** Writes until both ends' buffers are full; how much that was. */
    private long fill(RecordingHandler front) {
        String block = "x".repeat(60_000);
        long taken = 0;
        long n = 1;
        while (n > 0) {
            n = front.write(block);
            taken += n;
            fixture.loop().settle();
        }
        return taken;
    }
}
