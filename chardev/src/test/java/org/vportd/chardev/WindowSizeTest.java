package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.backend.PtyChardev;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Terminals;
import org.vportd.posix.UnixAddress;

/** The size of the peer's window on its way to the front-end. */
class WindowSizeTest {
    private static final String GREETING = "\u00ff\u00fb\u0001\u00ff\u00fb\u0003\u00ff\u00fb\u0000\u00ff\u00fd\u0000";
    private static final String QUESTION = "\u00ff\u00fd\u001f";
    private static final String SIZE_132X30 = "\u00ff\u00fa\u001f\u0000\u0084\u0000\u001e\u00ff\u00f0";
    private static final String SIZE_90X50 = "\u00ff\u00fa\u001f\u0000Z\u00002\u00ff\u00f0";

    @TempDir
    private Path folder;

    private ChardevFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private static WindowSize size(int columns, int rows) {
        return new WindowSize(columns, rows);
    }

    private RecordingHandler front(Chardev chardev) {
        return fixture.closing(new RecordingHandler())
                .wantingSize()
                .attach(chardev)
                .grant(1 << 20);
    }

    private Fd openSlave(PtyChardev pty) throws PosixException {
        return fixture.closing(Posix.open(pty.slavePath(), Posix.O_RDWR | Posix.O_NOCTTY | Posix.O_NONBLOCK, 0));
    }

    private static void resize(Fd terminal, int columns, int rows) throws PosixException {
        new Terminals.Size(columns, rows).apply(terminal);
    }

    private void awaitSizes(RecordingHandler front, WindowSize... sizes) {
        fixture.loop().until("sizes " + List.of(sizes), () -> front.sizes().equals(List.of(sizes)));
    }

    private Chardev telnet(String id) throws ConfigException {
        return fixture.add("socket,id=" + id + ",server=on,wait=off,telnet=on,path=" + folder.resolve(id));
    }

    private Peer connect(Chardev server) throws IOException {
        Peer peer = fixture.closing(new Peer(
                UnixAddress.ofPath(folder.resolve(server.id()).toString()).connect()));
        fixture.loop().until("connected", server::isOpen);
        return peer;
    }

    @Test
    void shouldRefuseNumbersThatAreNoSize() {
        assertFalse(WindowSize.isKnown(0, 24));
        assertFalse(WindowSize.isKnown(80, 0));
        assertFalse(WindowSize.isKnown(65536, 24));
        assertTrue(WindowSize.isKnown(65535, 1));
        assertThrows(IllegalArgumentException.class, () -> size(80, -1));
        assertEquals(size(80, 30), size(80, 50).within(size(132, 30)));
        assertEquals("80x24", size(80, 24).toString());
    }

    @Test
    @DisplayName("CH-07 VS-41 the size of a pty is that of the terminal on its slave, from the start and later")
    void shouldFollowSlaveOfPty() throws Exception {
        PtyChardev pty = (PtyChardev) fixture.add("pty,id=c");
        RecordingHandler front = front(pty);
        Fd slave = openSlave(pty);
        fixture.loop().until("OPENED", pty::isOpen);
        assertEquals(List.of(), front.sizes(), "a fresh pty has no size");

        resize(slave, 132, 43);
        awaitSizes(front, size(132, 43)); // by the timer
        resize(slave, 0, 0);
        resize(slave, 80, 25);
        awaitSizes(front, size(132, 43), size(80, 25));
        assertEquals(size(80, 25), pty.windowSize());

        slave.close();
        fixture.loop().until("CLOSED", () -> !pty.isOpen());
        openSlave(pty);
        awaitSizes(front, size(132, 43), size(80, 25), size(80, 25)); // the pty has kept it
        assertEquals(ChardevEvent.OPENED, front.events().get(front.events().size() - 1));
    }

    @Test
    void shouldLookAtPtyWhenSomebodyTypes() throws Exception {
        PtyChardev pty = (PtyChardev) fixture.add("pty,id=c");
        RecordingHandler front = front(pty);
        Fd slave = openSlave(pty);
        Peer peer = fixture.closing(new Peer(slave));
        fixture.loop().until("OPENED", pty::isOpen);
        resize(slave, 100, 40);
        long deadline = System.nanoTime() + 900_000_000L; // before the timer
        while (front.sizes().isEmpty() && System.nanoTime() - deadline < 0) {
            peer.write("x");
            fixture.loop().loop().turn(5);
        }
        assertEquals(List.of(size(100, 40)), front.sizes());
    }

    @Test
    void shouldNotLookAtPtyWhenNobodyWantsToKnow() throws Exception {
        PtyChardev pty = (PtyChardev) fixture.add("pty,id=c");
        RecordingHandler deaf = fixture.attach(pty).grant(1 << 20);
        Fd slave = openSlave(pty);
        fixture.loop().until("OPENED", pty::isOpen);
        resize(slave, 100, 40);
        fixture.closing(new Peer(slave)).write("typed");
        fixture.loop().until("input", () -> deaf.text().equals("typed"));
        assertEquals(null, pty.windowSize());

        deaf.frontend().detach();
        awaitSizes(front(pty), size(100, 40));
    }

    @Test
    @DisplayName(
            "CH-16 VS-41 a telnet client is asked for its size after the greeting, and its answer is taken byte by byte")
    void shouldAskTelnetClientWhenSizeIsWanted() throws Exception {
        Chardev server = telnet("t");
        RecordingHandler front = front(server);
        Peer client = connect(server);
        front.write("hello");
        fixture.loop().until("greeting", () -> client.text().endsWith("hello"));
        assertEquals(GREETING + QUESTION + "hello", client.text());

        String answer = "a\u00ff\u00fb\u001f" + SIZE_132X30 + "b\u00ff\u00fa\u001f\u0000\u0000\u0000\u0000\u00ff\u00f0"
                + SIZE_90X50 + "c";
        for (int i = 0; i < answer.length(); i++) {
            client.write(answer.substring(i, i + 1));
            fixture.loop().settle();
        }
        assertEquals("abc", front.text());
        assertEquals(List.of(size(132, 30), size(90, 50)), front.sizes());
    }

    @Test
    @DisplayName("CH-16 a telnet client is asked nothing if nobody wants to know, and once if somebody comes later")
    void shouldAskTelnetClientOnceWhenFrontendComesLater() throws Exception {
        Chardev server = telnet("t");
        Peer client = connect(server);
        RecordingHandler deaf = fixture.attach(server).grant(1 << 20);
        deaf.write("\u00ff");
        fixture.loop().until("output", () -> client.text().endsWith("\u00ff\u00ff"));
        assertEquals(GREETING + "\u00ff\u00ff", client.text());
        deaf.frontend().detach();

        RecordingHandler front = front(server);
        fixture.loop().until("question", () -> client.text().endsWith(QUESTION));
        client.write(SIZE_90X50);
        awaitSizes(front, size(90, 50));
        front.frontend().detach();
        RecordingHandler last = front(server);
        assertEquals(List.of(size(90, 50)), last.sizes(), "known already");
        fixture.loop().settle();
        assertEquals(GREETING + "\u00ff\u00ff" + QUESTION, client.text());
    }

    @Test
    @DisplayName("CH-24 all users of a multiplexer are shown in one window")
    void shouldTellAllUsersOfMultiplexer() throws Exception {
        fixture.add("socket,id=m,mux=on,server=on,wait=off,telnet=on,path=" + folder.resolve("m-base"));
        Chardev mux = fixture.chardevs().find("m");
        Chardev base = fixture.chardevs().find("m-base");
        assertTrue(mux != null && base != null);
        RecordingHandler first = front(mux);
        RecordingHandler second = front(mux);
        Peer client = connect(base);
        fixture.loop().until("question", () -> client.text().endsWith(QUESTION));
        client.write(SIZE_132X30);

        awaitSizes(first, size(132, 30));
        awaitSizes(second, size(132, 30));
        assertEquals(List.of(size(132, 30)), front(mux).sizes());
    }

    @Test
    @DisplayName("CH-25 the window of a hub is as small as the smallest of its members'")
    void shouldTakeSmallestWindowOfHub() throws Exception {
        Chardev first = telnet("a");
        Chardev second = telnet("b");
        fixture.add("ringbuf,id=r");
        RecordingHandler front = front(fixture.add("hub,id=h,chardevs.0=a,chardevs.1=r,chardevs.2=b"));
        Peer one = connect(first);
        fixture.loop().until("question", () -> one.text().endsWith(QUESTION));
        one.write(SIZE_132X30);
        awaitSizes(front, size(132, 30));

        Peer two = connect(second);
        two.write(SIZE_90X50);
        awaitSizes(front, size(132, 30), size(90, 30));
        one.close();
        awaitSizes(front, size(132, 30), size(90, 30), size(90, 50));
        assertEquals(1, front.count(ChardevEvent.OPENED));
    }

    @Test
    @DisplayName("CH-32 the size of a console in memory is fixed; another chardev brings its own")
    void shouldTellNewSizeWhenChardevIsChanged() throws Exception {
        RecordingHandler front = front(fixture.add("vc,id=c,cols=100,rows=40"));
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
        assertEquals(List.of(size(100, 40)), front.sizes());

        fixture.chardevs().change("c", Options.parse("ringbuf", "backend", warning -> {}));
        assertEquals(1, front.sizes().size());
        fixture.chardevs().change("c", Options.parse("vc", "backend", warning -> {}));
        assertEquals(List.of(size(100, 40), size(80, 24)), front.sizes());
    }
}
