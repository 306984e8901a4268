package org.vportd.chardev.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.chardev.ByteStream;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.FdStream;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.Sockets;
import org.vportd.testing.OpenDescriptors;

class WebSocketStreamTest {
    private static final long TOTAL = 8 << 20;

    private static final HttpClient HTTP = HttpClient.newHttpClient(); // keeps descriptors of its own

    private LayerFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new LayerFixture();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private final class Session {
        private final WebSocketClient client;
        private final LayerChardev chardev;
        private final RecordingHandler front;

        Session() throws Exception {
            Socket socket = fixture.connect();
            client = new WebSocketClient(socket.getInputStream(), socket.getOutputStream());
            chardev = fixture.serve(fixture.accept(), lower -> WebSocketStream.over(lower, fixture.eventLoop(), "w"));
            front = fixture.front(chardev).grant(1 << 20);
        }

        Session upgraded() throws Exception {
            String response = during(client::upgrade);
            assertTrue(response.startsWith("HTTP/1.1 101 Switching Protocols\r\n"), response);
            return this;
        }

        void ended() {
            fixture.loop().until("ended", chardev::hasEnded);
        }
    }

    /** Has something that blocks done by another thread while the loop turns. */
    private <T> T during(Callable<T> action) {
        CompletableFuture<T> done = fixture.start(action);
        fixture.loop().until("done by the client", done::isDone);
        return done.join();
    }

    // --- the upgrade

    @Test
    @DisplayName("CH-18 a request for / with the sub-protocol binary is answered, and only then the chardev opens")
    void upgrades() throws Exception {
        Session session = new Session();
        fixture.loop().settle();
        assertEquals(List.of(), session.front.events());

        String response = during(session.client::upgrade);

        assertTrue(response.startsWith("HTTP/1.1 101 "), response);
        assertTrue(response.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), response);
        assertTrue(response.contains("\r\nSec-WebSocket-Protocol: binary\r\n"), response);
        assertTrue(response.contains("\r\nServer: vportd\r\n"), response);
        assertEquals(List.of(ChardevEvent.OPENED), session.front.events());
    }

    @Test
    @DisplayName("CH-18 a request need not name a sub-protocol, and may come byte by byte")
    void upgradesWithoutSubprotocol() throws Exception {
        Session session = new Session();
        String request = WebSocketClient.REQUEST.replace("Sec-WebSocket-Protocol: chat, binary\r\n", "");
        for (int i = 0; i < request.length(); i++) {
            session.client.send(request.substring(i, i + 1).getBytes(StandardCharsets.ISO_8859_1));
            fixture.loop().settle();
        }
        String response = during(session.client::response);

        assertTrue(response.startsWith("HTTP/1.1 101 "), response);
        assertTrue(!response.contains("Protocol:"), response);
    }

    @ParameterizedTest
    @DisplayName("CH-18 any other request is refused in terms of HTTP")
    @CsvSource({
        "GET /, GET /other, 404",
        "GET, POST, 400",
        "HTTP/1.1, HTTP/1.0, 400",
        "Host: localhost, Other: x, 400",
        "'keep-alive, Upgrade', keep-alive, 400",
        "Upgrade: websocket, Upgrade: h2c, 400",
        "Version: 13, Version: 8, 400",
        "dGhlIHNhbXBsZSBub25jZQ==, c2hvcnQ=, 400",
        "'chat, binary', 'chat, text', 400",
        "Host: localhost, Host localhost, 400",
    })
    void refusesOtherRequests(String part, String instead, String status) throws Exception {
        Session session = new Session();
        String response = during(() -> session.client.upgrade(WebSocketClient.REQUEST.replace(part, instead)));

        assertTrue(response.startsWith("HTTP/1.1 " + status + " "), response);
        assertTrue(response.endsWith("\r\n\r\n") && response.contains("\r\nContent-Length: 0\r\n"), response);
        assertTrue(during(session.client::isAtEnd));
        session.ended();
        assertEquals(List.of(), session.front.events());
        assertEquals(1, fixture.log().size(), fixture.log().toString());
    }

    @Test
    @DisplayName("CH-18 a request of more than 4096 bytes is refused with 403")
    void refusesEndlessRequest() throws Exception {
        Session session = new Session();
        String response = during(() -> session.client.upgrade("GET / HTTP/1.1\r\nX: " + "x".repeat(5000) + "\r\n\r\n"));

        assertTrue(response.startsWith("HTTP/1.1 403 "), response);
        session.ended();
    }

    // --- frames

    @Test
    @DisplayName("CH-18 data goes out in binary frames that are not masked")
    void sendsBinaryFrames() throws Exception {
        Session session = new Session().upgraded();
        assertEquals(5, session.front.write("hello"));
        assertEquals(300, session.front.write("x".repeat(300)));

        assertEquals(new WebSocketClient.Frame(0x82, "hello"), during(session.client::receive));
        assertEquals(new WebSocketClient.Frame(0x82, "x".repeat(300)), during(session.client::receive));
    }

    @Test
    @DisplayName("CH-18 data comes in binary frames, whole or fragmented, also byte by byte")
    void receivesBinaryFrames() throws Exception {
        Session session = new Session().upgraded();
        ByteArrayOutputStream frames = new ByteArrayOutputStream();
        frames.write(WebSocketClient.frame(0x82, "one "));
        frames.write(WebSocketClient.frame(0x02, "tw"));
        frames.write(WebSocketClient.frame(0x8a, "a pong"));
        frames.write(WebSocketClient.frame(0x00, ""));
        frames.write(WebSocketClient.frame(0x80, "o "));
        frames.write(WebSocketClient.frame(0x82, "three " + "3".repeat(200)));
        for (byte b : frames.toByteArray()) {
            session.client.send(new byte[] {b});
            fixture.loop().loop().turn(0);
        }
        session.client.send(frames.toByteArray());
        String once = "one two three " + "3".repeat(200);
        fixture.loop().until("received", () -> session.front.receivedBytes() == 2L * once.length());

        assertEquals(once + once, session.front.text());
    }

    @Test
    @DisplayName("CH-18 a ping is answered with a pong of the same content")
    void answersPing() throws Exception {
        Session session = new Session().upgraded();
        session.client.send(WebSocketClient.frame(0x89, "are you there?"));

        assertEquals(new WebSocketClient.Frame(0x8a, "are you there?"), during(session.client::receive));
    }

    @Test
    @DisplayName("CH-18 a close is answered with a close, after the data before it")
    void answersClose() throws Exception {
        Session session = new Session().upgraded();
        session.client.send(WebSocketClient.frame(0x82, "last words"));
        session.client.send(WebSocketClient.frame(0x88, "\u0003\u00e9bye"));

        assertEquals(new WebSocketClient.Frame(0x88, "\u0003\u00e9"), during(session.client::receive));
        assertTrue(during(session.client::isAtEnd));
        assertEquals("last words", session.front.text());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), session.front.events());
    }

    @Test
    @DisplayName("CH-18 whoever closes the chardev says so to the client")
    void saysGoodbye() throws Exception {
        Session session = new Session().upgraded();
        session.front.write("bye");
        session.chardev.close();

        assertEquals(new WebSocketClient.Frame(0x82, "bye"), during(session.client::receive));
        assertEquals(new WebSocketClient.Frame(0x88, "\u0003\u00e8"), during(session.client::receive));
        assertTrue(during(session.client::isAtEnd));
    }

    @ParameterizedTest
    @DisplayName("CH-18 what breaks the protocol is answered with a close frame, and the log says what it was")
    @CsvSource({
        "8200, 1002, client websocket frames must be masked",
        "818000000000, 1003, 'unsupported opcode: 0x0001; only binary, close, ping, and pong websocket frames are"
                + " supported'",
        "098000000000, 1002, only binary websocket frames may be fragmented",
        "89fe00000000, 1002, websocket control frame is too large",
        "808000000000, 1002, websocket frames of a message are out of order",
        "c28000000000, 1002, websocket extensions are not supported",
        "82ffffffffffffffffff00000000, 1002, websocket frame is too large",
    })
    void refusesBrokenFrames(String hex, int status, String text) throws Exception {
        Session session = new Session().upgraded();
        session.client.send(HexFormat.of().parseHex(hex));

        assertEquals(
                new WebSocketClient.Frame(0x88, "\u0003" + (char) (status - 0x300)), during(session.client::receive));
        assertTrue(during(session.client::isAtEnd));
        session.ended();
        assertEquals(List.of("connection failed: chardev=w error=" + text), fixture.log());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), session.front.events());
    }

    @RepeatedTest(2)
    @DisplayName("CH-18 every byte arrives once, both ways, with pings in between")
    void carriesEveryByteOnce(RepetitionInfo repetition) throws Exception {
        Session session = new Session().upgraded();
        try (StreamExchange exchange =
                new StreamExchange(fixture.loop(), session.front, repetition.getCurrentRepetition())) {
            exchange.run(session.client.input(), session.client.output(), TOTAL);
        }
        assertEquals(List.of(ChardevEvent.OPENED), session.front.events());
        assertTrue(session.client.pongs() > 0);
        assertTrue(session.client.maxFrame() <= 16 * 1024, "frame=" + session.client.maxFrame());
    }

    @Test
    @DisplayName("CH-18 a client that pings without end and reads nothing costs no memory and is read all the same")
    void boundsPongs() throws Exception {
        Session session = new Session().upgraded();
        byte[] ping = WebSocketClient.frame(0x89, "x".repeat(125));
        during(() -> {
            for (int i = 0; i < 100_000; i++) {
                session.client.send(ping);
            }
            session.client.send(WebSocketClient.frame(0x82, "end"));
            return "";
        });
        fixture.loop().until("received", () -> session.front.receivedBytes() == 3);

        assertEquals("end", session.front.text());
    }

    @Test
    @DisplayName("CH-18 an independent client is understood")
    void servesIndependentClient() throws Exception {
        CompletableFuture<String> received = new CompletableFuture<>();
        AtomicBoolean isPonged = new AtomicBoolean();
        WebSocket.Listener listener = new WebSocket.Listener() {
            @Override
            public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean isLast) {
                received.complete(StandardCharsets.ISO_8859_1.decode(data).toString());
                socket.request(1);
                return CompletableFuture.completedStage(null);
            }

            @Override
            public CompletionStage<?> onPong(WebSocket socket, ByteBuffer message) {
                isPonged.set(true);
                socket.request(1);
                return CompletableFuture.completedStage(null);
            }
        };
        CompletableFuture<WebSocket> connecting = HTTP.newWebSocketBuilder()
                .subprotocols("binary")
                .buildAsync(URI.create("ws://localhost:" + fixture.address().getPort() + "/"), listener);
        LayerChardev chardev =
                fixture.serve(fixture.accept(), lower -> WebSocketStream.over(lower, fixture.eventLoop(), "w"));
        RecordingHandler front = fixture.front(chardev).grant(1 << 20);
        fixture.loop().until("connected", connecting::isDone);
        WebSocket socket = connecting.join();

        CompletableFuture<WebSocket> sent = socket.sendBinary(ByteBuffer.wrap(new byte[100_000]), true);
        fixture.loop().until("received", () -> front.receivedBytes() == 100_000);
        fixture.loop().until("sent", sent::isDone);
        CompletableFuture<WebSocket> pinged = socket.sendPing(ByteBuffer.allocate(4));
        front.write("hello");
        fixture.loop().until("answered", () -> pinged.isDone() && received.isDone() && isPonged.get());
        assertEquals("hello", received.join());

        CompletableFuture<WebSocket> closed = socket.sendClose(WebSocket.NORMAL_CLOSURE, "");
        fixture.loop().until("ended", chardev::hasEnded);
        fixture.loop().until("closed", () -> closed.isDone() && socket.isInputClosed());
    }

    // --- who is never read

    /** A connection whose peer has asked for WebSocket and then reads nothing, although there is much for it. */
    private static RecordingHandler stuffed(EventLoop loop, Fd near, Peer peer, List<ByteStream> streams)
            throws Exception {
        RecordingHandler owner = new RecordingHandler();
        ByteStream.Opener connection = lower -> new FdStream(loop, near, near, lower);
        LayerChardev chardev = new LayerChardev(WebSocketStream.over(connection, loop, "w"));
        owner.attach(chardev);
        peer.write(WebSocketClient.REQUEST);
        for (int i = 0; owner.count(ChardevEvent.OPENED) == 0; i++) {
            assertTrue(i < 1000, "no handshake");
            loop.turn(1);
        }
        long taken = 1;
        while (taken > 0) {
            taken = owner.write("x".repeat(1000));
        }
        streams.add(chardev.stream());
        return owner;
    }

    @Test
    @DisplayName("CH-18 a client that never reads is waited for a few seconds after the end, and only so many are")
    void lingersWithinBounds() throws Exception {
        long[] now = {0};
        List<ByteStream> streams = new ArrayList<>();
        List<Peer> peers = new ArrayList<>();
        try (EventLoop loop = EventLoop.open(() -> now[0])) {
            long before = OpenDescriptors.count();
            for (int i = 0; i < 40; i++) {
                Fd[] pair = Sockets.pair();
                peers.add(fixture.closing(new Peer(pair[1])));
                fixture.closing(stuffed(loop, pair[0], peers.get(i), streams));
            }
            assertEquals(before + 80, OpenDescriptors.count());

            streams.forEach(ByteStream::close);
            assertEquals(before + 40 + 32, OpenDescriptors.count());

            peers.get(0).text();
            while (loop.turn(0) > 0) {
                // the first peer reads all there is, and its connection ends
            }
            peers.get(0).text();
            loop.turn(0);
            assertEquals(before + 40 + 31, OpenDescriptors.count());

            now[0] = TimeUnit.SECONDS.toNanos(6);
            loop.turn(0);
            assertEquals(before + 40, OpenDescriptors.count());
        }
    }

    @Test
    void doesNotLingerWhenTheLoopHasStopped() throws Exception {
        List<ByteStream> streams = new ArrayList<>();
        try (EventLoop loop = EventLoop.open()) {
            long before = OpenDescriptors.count();
            Fd[] pair = Sockets.pair();
            Peer peer = fixture.closing(new Peer(pair[1]));
            fixture.closing(stuffed(loop, pair[0], peer, streams));
            loop.stop();

            streams.get(0).close();
            assertEquals(before + 1, OpenDescriptors.count());
        }
    }

    @Test
    @DisplayName("CH-18 a client that asks for nothing is let go after half a minute")
    void limitsHandshake() throws Exception {
        long[] now = {0};
        try (EventLoop loop = EventLoop.open(() -> now[0])) {
            Fd[] pair = Sockets.pair();
            Peer peer = fixture.closing(new Peer(pair[1]));
            ByteStream.Opener connection = lower -> new FdStream(loop, pair[0], pair[0], lower);
            LayerChardev chardev = fixture.closing(new LayerChardev(WebSocketStream.over(connection, loop, "w")));
            now[0] = TimeUnit.SECONDS.toNanos(29);
            loop.turn(0);
            assertFalse(chardev.hasEnded());
            now[0] = TimeUnit.SECONDS.toNanos(31);
            loop.turn(0);
            assertTrue(chardev.hasEnded());
            assertTrue(peer.isAtEnd());
        }
    }
}
