package org.vportd.chardev.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.HandoverRig;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.WindowSize;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;

/** Listening sockets, those who wait in them, and connections go on in another process. */
class SocketHandoverTest {
    private static final int UNLIMITED = 1 << 30;
    private static final List<ChardevEvent> OPENED = List.of(ChardevEvent.OPENED);
    private static final String UPGRADE = String.join(
            "\r\n",
            "GET / HTTP/1.1",
            "Host: h",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "",
            "");
    private static final String GREETING = "\u00ff\u00fb\1\u00ff\u00fb\3\u00ff\u00fb\0\u00ff\u00fd\0";

    @TempDir
    private Path folder;

    private final Map<String, Fd> passed = new HashMap<>();
    private String path = "";
    private HandoverRig rig;

    @BeforeEach
    void open() throws Exception {
        path = folder.resolve("s").toString();
        rig = new HandoverRig(new ChardevServices() {
            @Override
            public @Nullable Fd takeDescriptor(String name) {
                return passed.remove(name);
            }
        });
    }

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    private Peer connect() throws IOException {
        return rig.closing(new Peer(UnixAddress.ofPath(path).connect()));
    }

    private Chardev before() {
        return Objects.requireNonNull(rig.before().find("c"));
    }

    private void awaitClient() {
        rig.loop().until("connected", () -> before().isOpen());
    }

    /** Writes until there is no room, and answers what was taken. */
    private static String fill(RecordingHandler front) {
        String portion = "0123456789".repeat(100);
        StringBuilder taken = new StringBuilder();
        long n = portion.length();
        while (n == portion.length()) { // a socket is full before long
            n = front.write(portion);
            taken.append(portion, 0, (int) n);
        }
        return taken.toString();
    }

    /** What is under way on both sides of a handover arrives once, in order, and nobody hears of it. */
    private RecordingHandler assertGoesOn(RecordingHandler front, Peer peer) throws Exception {
        peer.write("in1,");
        front.grant(4);
        rig.loop().until("input", () -> front.text().equals("in1,"));
        peer.write("in2,");
        rig.loop().settle();
        String filename = before().filename();
        String out = fill(front);

        rig.handOver();
        assertEquals(filename, rig.goneOn("c").filename());
        RecordingHandler next = rig.frontOfNext("c");
        assertEquals(OPENED, next.events());
        peer.write("in3");
        next.grant(UNLIMITED);
        rig.until("input", () -> next.text().equals("in2,in3"));
        String all = out + fill(next);
        rig.until("output", () -> peer.text().length() == all.length());
        rig.until("room", () -> next.writableCalls() > 0);
        assertEquals(5, next.write(",last"));
        rig.until("output", () -> peer.text().length() == all.length() + 5);
        assertTrue(peer.text().equals(all + ",last"), "something else has come out");
        assertEquals("in2,in3", next.text());
        assertEquals(OPENED, next.events());
        return next;
    }

    // --- servers

    @Test
    void shouldGoOnAsServerWithItsClientTheOneThatWaitsAndTheFile() throws Exception {
        RecordingHandler front = rig.front("socket,id=c,server=on,wait=off,path=" + path);
        Peer first = connect();
        awaitClient();
        Peer second = connect();
        second.write("second");
        RecordingHandler nextFront = assertGoesOn(front, first);
        assertTrue(Files.exists(folder.resolve("s")), "the file has gone");
        first.close();
        rig.until("the second is served", () -> nextFront.text().endsWith("second"));
        rig.next().close();
        assertFalse(Files.exists(folder.resolve("s"), LinkOption.NOFOLLOW_LINKS), "the file is left");
    }

    @Test
    void shouldServeThoseWhoConnectBeforeAndAfterTheHandover() throws Exception {
        rig.front("socket,id=c,server=on,path=" + path);
        assertTrue(rig.before().areAwaited());
        rig.loop().settle();
        Peer early = connect();
        early.write("early");
        rig.handOver();
        assertTrue(rig.next().areAwaited());
        RecordingHandler next = rig.frontOfNext("c").grant(UNLIMITED);
        assertEquals(List.of(), next.events());
        rig.until("early", () -> next.text().equals("early"));
        assertFalse(rig.next().areAwaited());
        early.close();
        rig.until("closed", () -> next.count(ChardevEvent.CLOSED) == 1);
        connect().write("late");
        rig.until("late", () -> next.text().equals("earlylate"));
    }

    @Test
    void shouldNotRemoveAFileThatIsAnothersByNow() throws Exception {
        rig.front("socket,id=c,server=on,wait=off,path=" + path);
        rig.handOver();
        Files.delete(folder.resolve("s"));
        Files.writeString(folder.resolve("s"), "another");
        rig.next().close();
        assertEquals("another", Files.readString(folder.resolve("s")));
    }

    @Test
    void shouldGoOnAtAChosenPort() throws Exception {
        RecordingHandler front = rig.front("socket,id=c,server=on,wait=off,host=127.0.0.1,port=0");
        String filename = before().filename();
        int port = Integer.parseInt(filename.replaceAll(".*127.0.0.1:(\\d+).*", "$1"));
        Peer peer = rig.closing(
                new Peer(Sockets.connectTcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))));
        awaitClient();
        assertGoesOn(front, peer);
        peer.close();
        rig.until("closed", () -> rig.goneOn("c").filename().equals(filename));
    }

    @Test
    void shouldGoOnWithPassedSockets() throws Exception {
        Fd listening = Sockets.listenUnix(path, 1);
        passed.put("l", listening);
        Fd[] pair = Sockets.pair();
        passed.put("p", pair[0]);
        RecordingHandler front = rig.front("socket,id=c,fd=p");
        rig.add("socket,id=l,server=on,wait=off,fd=l");
        Peer waiting = connect();
        assertGoesOn(front, rig.closing(new Peer(pair[1])));
        waiting.write("hello");
        RecordingHandler next = rig.frontOfNext("l").grant(UNLIMITED);
        rig.until("input", () -> next.text().equals("hello"));
    }

    @Test
    void shouldGoOnWithAClientThatWasAdded() throws Exception {
        RecordingHandler front = rig.front("socket,id=c,server=on,wait=off,fd=");
        Fd[] pair = Sockets.pair();
        ((SocketChardev) before()).addClient(pair[0]);
        assertGoesOn(front, rig.closing(new Peer(pair[1])));
    }

    // --- clients

    private Peer accept(Fd listening) throws PosixException {
        Peer[] accepted = new Peer[1];
        rig.until("somebody connects", () -> {
            try {
                Fd fd = Sockets.accept(listening);
                accepted[0] = fd == null ? null : rig.closing(new Peer(fd));
            } catch (PosixException e) {
                throw new IllegalStateException(e);
            }
            return accepted[0] != null;
        });
        return accepted[0];
    }

    @Test
    void shouldGoOnAsClientAndStayClosedWithoutReconnect() throws Exception {
        Fd server = rig.closing(Sockets.listenUnix(path, 1));
        RecordingHandler front = rig.front("socket,id=c,path=" + path);
        Peer peer = accept(server);
        assertGoesOn(front, peer);
        peer.close();
        rig.until("closed", () -> !rig.goneOn("c").isOpen());
        rig.nextLoop().settle();
        assertEquals(null, Sockets.accept(server));
    }

    @Test
    void shouldNotConnectAnewWhatWasClosed() throws Exception {
        Fd server = rig.closing(Sockets.listenUnix(path, 1));
        rig.front("socket,id=c,path=" + path).grant(UNLIMITED);
        accept(server).close();
        rig.loop().until("closed", () -> !before().isOpen());
        rig.handOver();
        rig.nextLoop().settle();
        assertFalse(rig.goneOn("c").isOpen());
        assertEquals(null, Sockets.accept(server));
    }

    @Test
    void shouldGoOnTryingToConnect() throws Exception {
        rig.front("socket,id=c,reconnect-ms=50,path=" + path);
        rig.loop().settle();
        rig.handOver();
        RecordingHandler next = rig.frontOfNext("c").grant(UNLIMITED);
        Fd server = rig.closing(Sockets.listenUnix(path, 1));
        Peer peer = accept(server);
        peer.write("hello");
        rig.until("input", () -> next.text().equals("hello"));
        peer.close();
        assertNotNull(accept(server));
    }

    @Test
    void shouldNotConnectTwiceWhatIsConnected() throws Exception {
        Fd server = rig.closing(Sockets.listenUnix(path, 1));
        RecordingHandler front = rig.front("socket,id=c,reconnect-ms=20,path=" + path);
        rig.loop().until("connected", () -> before().isOpen());
        assertGoesOn(front, accept(server));
        long start = System.nanoTime();
        rig.until("the time in which it would have tried", () -> System.nanoTime() - start > 60_000_000L);
        assertEquals(null, Sockets.accept(server));
    }

    // --- protocols

    @Test
    void shouldGoOnInTheMiddleOfTelnet() throws Exception {
        RecordingHandler front = rig.front("socket,id=c,server=on,wait=off,telnet=on,path=" + path);
        Peer peer = connect();
        awaitClient();
        rig.loop().until("greeting", () -> peer.text().equals(GREETING));
        peer.write("in1,in2\u00ff\u00ff,\u00ff\u00fa\37\0\144");
        front.grant(4);
        rig.loop().until("input", () -> front.text().equals("in1,"));
        front.write("out1\u00ff");
        rig.loop().settle();

        rig.handOver();
        RecordingHandler next = rig.frontOfNext("c");
        assertEquals(OPENED, next.events());
        peer.write("\0\36\u00ff\u00f0in3\u00ff\u00f3in4");
        next.grant(UNLIMITED);
        rig.until("input", () -> next.text().endsWith("in4"));
        assertEquals("in2\u00ff,in3in4", next.text());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.BREAK), next.events());
        assertEquals(new WindowSize(100, 30), rig.goneOn("c").windowSize());
        next.write("out2");
        rig.nextLoop().settle();
        assertEquals(GREETING + "out1\u00ff\u00ffout2", peer.text());
    }

    /** A pair of bytes that is cut between the processes is one byte to the front-end, and stays one to the peer. */
    @Test
    void shouldGoOnWithHalfOfAPair() throws Exception {
        RecordingHandler front = rig.front("socket,id=c,server=on,wait=off,telnet=on,path=" + path);
        Peer peer = connect();
        awaitClient();
        String many = "a".repeat(1_000_000);
        int room = (int) front.write(many, 1 << 21);
        front.grant(UNLIMITED);
        peer.close();
        rig.loop().until("closed", () -> front.count(ChardevEvent.CLOSED) == 1);
        Peer other = connect();
        awaitClient();
        String begin = "a".repeat(room - 1) + "\u00ff";
        assertEquals(room, front.write(begin + many, 1 << 21), "the room is not the same");
        String sent = GREETING + begin + "\u00ff";
        rig.handOver();
        RecordingHandler next = rig.frontOfNext("c");
        assertEquals(sent.length() - 1, other.text().length(), "no pair was cut, the test needs another length");
        rig.until("all has come", () -> other.text().length() == sent.length());
        next.write("y\u00ff");
        rig.nextLoop().settle();
        assertTrue(other.text().equals(sent + "y\u00ff\u00ff"), "something else has come out");
    }

    @Test
    void shouldKnowTheWindowOfATelnetClient() throws Exception {
        rig.front("socket,id=c,server=on,wait=off,telnet=on,path=" + path);
        Peer peer = connect();
        awaitClient();
        peer.write("\u00ff\u00fa\37\0\144\0\36\u00ff\u00f0");
        rig.loop().until("size", () -> before().windowSize() != null);
        rig.handOver();
        RecordingHandler next = rig.frontOfNext("c");
        assertEquals(List.of(new WindowSize(100, 30)), next.sizes());
    }

    @Test
    void shouldServeAgainWhomItCouldNotTakeAlong() throws Exception {
        RecordingHandler front = rig.front("socket,id=c,server=on,wait=off,websocket=on,path=" + path);
        Peer peer = connect();
        peer.write(UPGRADE);
        awaitClient();
        front.write("bye");
        rig.handOver();
        rig.nextLoop().settle();
        RecordingHandler next = rig.frontOfNext("c").grant(UNLIMITED);
        assertEquals(List.of(), next.events());
        assertTrue(peer.text().endsWith("\u0082\3bye\u0088\2\3\u00e8"), "no goodbye");
        assertTrue(peer.isAtEnd());
        Peer again = connect();
        again.write(UPGRADE);
        rig.until("open again", () -> rig.goneOn("c").isOpen());
        again.write("\u0082\u0082\0\0\0\0hi");
        rig.until("input", () -> next.text().equals("hi"));
    }
}
