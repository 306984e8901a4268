package org.vportd.chardev.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.Socket;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

class TelnetStreamTest {
    private static final String GREETING = "\u00ff\u00fb\u0001\u00ff\u00fb\u0003\u00ff\u00fb\u0000\u00ff\u00fd\u0000";
    private static final long TOTAL = 8 << 20;

    private LayerFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new LayerFixture();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private LayerChardev serve(Fd fd, TelnetStream.Mode mode) throws PosixException {
        return fixture.serve(fd, lower -> TelnetStream.over(lower, fixture.eventLoop(), "t", mode));
    }

    private record Session(LayerChardev chardev, RecordingHandler front, Peer peer) {}

    private Session session(TelnetStream.Mode mode) throws PosixException {
        Fd[] pair = Sockets.pair();
        LayerChardev chardev = serve(pair[0], mode);
        return new Session(chardev, fixture.front(chardev).grant(1 << 20), fixture.closing(new Peer(pair[1])));
    }

    @Test
    @DisplayName("CH-16 the 12 bytes of the greeting come before any data")
    void greetsBeforeData() throws Exception {
        Session session = session(TelnetStream.Mode.TELNET);
        assertEquals(List.of(ChardevEvent.OPENED), session.front.events());
        assertEquals(5, session.front.write("hello"));

        assertEquals(GREETING + "hello", session.peer.text());
    }

    @ParameterizedTest
    @DisplayName("CH-16 CH-17 commands are taken out of the input, whole and byte by byte")
    @CsvSource({
        "a\u00ff\u00ffb, a\u00ffb", // escaped
        "a\u00ff\u00fd\u0001b\u00ff\u00fb\u00ffc, abc", // option replies of three bytes, one about option 255
        "a\u00ff\u00f1bc\u00ff\u00f9d, abcd", // NOP, GA: two bytes
        "a\u00ff\u00fa\u0018\u0000xterm\u00ff\u00f0b, ab", // subnegotiation
        "a\u00ff\u00fa\u0018\u00ff\u00ff\u00f0still\u00ff\u00f0b, ab", // with an escaped 0xff in it
        "a\u00ff\u00fa\u0018x\u00ff\u00fd\u0001b, ab", // whose end is missing
    })
    void takesCommandsOut(String sent, String received) throws Exception {
        Session whole = session(TelnetStream.Mode.TELNET);
        whole.peer.write(sent);
        fixture.loop().settle();
        assertEquals(received, whole.front.text());

        Session split = session(TelnetStream.Mode.TELNET);
        trickle(split.peer, sent);
        assertEquals(received, split.front.text());
    }

    private void trickle(Peer peer, String sent) throws PosixException {
        for (int i = 0; i < sent.length(); i++) {
            peer.write(sent.substring(i, i + 1));
            fixture.loop().settle();
        }
    }

    @Test
    @DisplayName("CH-16 IAC BREAK is a break, after what was sent before it and before what follows")
    void raisesBreakInItsPlace() throws Exception {
        Session session = session(TelnetStream.Mode.TELNET);
        session.peer.write("ab\u00ff\u00f3cd\u00ff\u00f3");
        fixture.loop().settle();

        assertEquals("abcd", session.front.text());
        assertEquals(2, session.front.count(ChardevEvent.BREAK));
    }

    @Test
    @DisplayName("CH-16 a break waits for room like the data before it")
    void holdsBreakBackWithData() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = fixture.front(serve(pair[0], TelnetStream.Mode.TELNET));
        Peer peer = fixture.closing(new Peer(pair[1]));
        peer.write("ab\u00ff\u00f3cd");
        front.grant(1);
        fixture.loop().settle();
        assertEquals(0, front.count(ChardevEvent.BREAK));

        front.grant(1);
        fixture.loop().settle();
        assertEquals(1, front.count(ChardevEvent.BREAK));
        assertEquals("ab", front.text());
    }

    @Test
    @DisplayName("CH-17 0xff is doubled in the output")
    void doublesEscape() throws Exception {
        Session session = session(TelnetStream.Mode.TELNET);
        assertEquals(7, session.front.write("\u00ffa\u00ff\u00ffbc\u00ff"));

        assertEquals(GREETING + "\u00ff\u00ffa\u00ff\u00ff\u00ff\u00ffbc\u00ff\u00ff", session.peer.text());
    }

    @Test
    @DisplayName("CH-17 each connection begins anew, also when the one before has ended within a command")
    void beginsAnewOnEachConnection() throws Exception {
        Session first = session(TelnetStream.Mode.TELNET);
        first.peer.write("x\u00ff\u00fa\u0018");
        fixture.loop().settle();
        first.peer.close();
        fixture.loop().until("CLOSED", () -> first.front.count(ChardevEvent.CLOSED) == 1);

        Session second = session(TelnetStream.Mode.TELNET);
        second.peer.write("data");
        fixture.loop().settle();
        assertEquals("data", second.front.text());
    }

    @Test
    void tellsSizeOfWindow() throws Exception {
        Session session = session(TelnetStream.Mode.TELNET);
        session.peer.write("a\u00ff\u00fa\u001f\u0000\u0084\u0000\u001e\u00ff\u00f0b");
        fixture.loop().settle();

        assertEquals("132x30", session.chardev.window());
        assertEquals("ab", session.front.text());
    }

    @Test
    void speaksToTerminalsOfType3270() throws Exception {
        Session session = session(TelnetStream.Mode.TN3270);
        session.front.write("r\u00ff\u00ef");
        String greeting = "\u00ff\u00fd\u0019\u00ff\u00fb\u0019\u00ff\u00fd\u0000\u00ff\u00fb\u0000\u00ff\u00fd\u0018"
                + "\u00ff\u00fa\u0018\u0001\u00ff\u00f0";
        assertEquals(21, greeting.length());
        assertEquals(greeting + "r\u00ff\u00ef", session.peer.text());

        String sent = "\u00ff\u00fa\u0018\u0000IBM\u00ff\u00f0a\u00ff\u00ef\u00ff\u00f4\u00ff\u00f1\u00ff\u00ffz"
                + "\u00ff\u00fd\u0019\u00ff\u00f3";
        trickle(session.peer, sent);
        assertEquals("\u00ff\u00fa\u0018\u0000IBM\u00ff\u00f0a\u00ff\u00ef\u00ffz", session.front.text());
        assertEquals(1, session.front.count(ChardevEvent.BREAK));
    }

    @Test
    @DisplayName("CH-15 CH-16 what a client has sent before it left is delivered before CLOSED, as there is room")
    void deliversLastWords() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = fixture.front(serve(pair[0], TelnetStream.Mode.TELNET));
        Peer peer = fixture.closing(new Peer(pair[1]));
        peer.write("last words");
        peer.close();
        fixture.loop().settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        front.grant(4);
        fixture.loop().settle();
        assertEquals("last", front.text());
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        front.grant(100);
        fixture.loop().settle();
        assertEquals("last words", front.text());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void letsPeerGoWhenNobodyWillRead() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = fixture.front(serve(pair[0], TelnetStream.Mode.TELNET));
        Peer peer = fixture.closing(new Peer(pair[1]));
        peer.write("unread");
        peer.close();
        fixture.loop().settle();
        front.setReceiving(false);
        fixture.loop().settle();

        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void makesNobodyWaitForPeerThatHasGoneWhileItsInputIsUnread() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = fixture.front(serve(pair[0], TelnetStream.Mode.TELNET));
        Peer peer = fixture.closing(new Peer(pair[1]));
        peer.write("unread");
        fixture.loop().settle();
        String much = "x".repeat(1000);
        while (front.write(much) == much.length()) {
            fixture.loop().loop().turn(0);
        }
        assertEquals(0, front.writableCalls());

        peer.close();
        fixture.loop().until("writable", () -> front.writableCalls() == 1);
        fixture.loop().until("dropped", () -> front.write(much) == much.length());
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        front.grant(100);
        fixture.loop().until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == 1);
        assertEquals("unread", front.text());
    }

    @Test
    void holdsPeerBackWhileThereIsNoRoom() throws Exception {
        Fd[] pair = Sockets.pair();
        RecordingHandler front = fixture.front(serve(pair[0], TelnetStream.Mode.TELNET));
        Peer peer = fixture.closing(new Peer(pair[1]));
        long before = -1;
        while (peer.patternWritten() != before) {
            before = peer.patternWritten();
            peer.writePattern(60_000);
            fixture.loop().settle();
        }

        assertTrue(before < 1 << 20, "taken from a peer that nobody reads: " + before);
        assertEquals(0, front.receivedBytes());
    }

    @RepeatedTest(2)
    @DisplayName("CH-16 CH-17 every byte arrives once, both ways, with many 0xff among them")
    void carriesEveryByteOnce(RepetitionInfo repetition) throws Exception {
        Socket client = fixture.connect();
        RecordingHandler front = fixture.front(serve(fixture.accept(), TelnetStream.Mode.TELNET));
        try (StreamExchange exchange = new StreamExchange(fixture.loop(), front, repetition.getCurrentRepetition())) {
            exchange.run(
                    TelnetClient.reading(client.getInputStream()),
                    TelnetClient.writing(client.getOutputStream()),
                    TOTAL);
        }
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
    }
}
