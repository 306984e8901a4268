package org.vportd.chardev.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.HandoverRig;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.WindowSize;
import org.vportd.posix.Datagrams;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.Terminals;

/** Terminals, files, FIFOs, datagrams and what is only in memory go on in another process. */
class BackendHandoverTest {
    private static final int UNLIMITED = 1 << 30;
    private static final List<ChardevEvent> OPENED = List.of(ChardevEvent.OPENED);

    @TempDir
    private Path folder;

    private final List<Integer> exits = new ArrayList<>();
    private HandoverRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new HandoverRig(new ChardevServices() {
            @Override
            public void exit(int status) {
                exits.add(status);
            }
        });
    }

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    private Peer opened(String path) throws PosixException {
        return rig.closing(new Peer(Posix.open(path, Posix.O_RDWR | Posix.O_NOCTTY | Posix.O_NONBLOCK, 0)));
    }

    private String file(String name) throws Exception {
        return Files.readString(folder.resolve(name));
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    /** Writes until there is no room, and answers what was taken. */
    private static String fill(RecordingHandler front) {
        String portion = "0123456789".repeat(100);
        StringBuilder taken = new StringBuilder();
        long n = portion.length();
        while (n == portion.length()) { // a terminal and a pipe are full before long
            n = front.write(portion);
            taken.append(portion, 0, (int) n);
        }
        return taken.toString();
    }

    /** What is under way on both sides of a handover arrives once, in order, and nobody hears of it. */
    private void assertGoesOn(RecordingHandler front, Peer peer) throws Exception {
        peer.write("in1,");
        front.grant(4);
        rig.loop().until("input", () -> front.text().equals("in1,"));
        peer.write("in2,");
        rig.loop().settle();
        String out = fill(front);

        rig.handOver();
        RecordingHandler next = rig.frontOfNext("c");
        assertEquals(OPENED, next.events());
        peer.write("in3");
        next.grant(UNLIMITED);
        rig.until("input", () -> next.text().equals("in2,in3"));
        rig.nextLoop().settle();
        out += fill(next); // a little may still fit in
        assertTrue(peer.text().equals(out), "something else has come out");
        rig.until("room", () -> next.writableCalls() > 0);
        assertEquals(5, next.write(",last"));
        rig.nextLoop().settle();
        assertTrue(peer.text().equals(out + ",last"), "something else has come out");
        assertEquals("in2,in3", next.text());
        assertEquals(OPENED, next.events());
    }

    // --- terminals

    @Test
    void shouldGoOnWithAConnectedPtyAndItsLinkAndSize() throws Exception {
        RecordingHandler front = rig.front("pty,id=c,path=" + path("link"));
        PtyChardev pty = (PtyChardev) Objects.requireNonNull(rig.before().find("c"));
        String slavePath = pty.slavePath();
        Peer slave = opened(slavePath);
        new Terminals.Size(100, 30).apply(slave.fd());
        rig.loop().until("connected", pty::isOpen);

        assertGoesOn(front, slave);
        PtyChardev next = (PtyChardev) rig.goneOn("c");
        assertEquals(slavePath, next.slavePath());
        assertEquals("pty:" + slavePath, next.filename());
        assertEquals(slavePath, Files.readSymbolicLink(folder.resolve("link")).toString());
        slave.close();
        rig.until("closed", () -> !next.isOpen());
        opened(path("link"));
        rig.until("opened again", next::isOpen);
        rig.next().close();
        assertFalse(Files.exists(folder.resolve("link"), LinkOption.NOFOLLOW_LINKS), "the link is left");
    }

    @Test
    void shouldTellTheSizeOfAPtyThatWentOn() throws Exception {
        rig.add("pty,id=c");
        PtyChardev pty = (PtyChardev) Objects.requireNonNull(rig.before().find("c"));
        Peer slave = opened(pty.slavePath());
        new Terminals.Size(100, 30).apply(slave.fd());
        rig.loop().until("connected", pty::isOpen);
        rig.handOver();
        RecordingHandler next =
                rig.closing(new RecordingHandler()).wantingSize().attach(rig.goneOn("c"));
        rig.until("size", () -> next.sizes().equals(List.of(new WindowSize(100, 30))));
    }

    @Test
    void shouldFindAPtyOpenedDuringTheHandover() throws Exception {
        rig.front("pty,id=c");
        rig.loop().settle();
        String slavePath = ((PtyChardev) Objects.requireNonNull(rig.before().find("c"))).slavePath();
        rig.handOver();
        RecordingHandler next = rig.frontOfNext("c");
        assertEquals(List.of(), next.events());
        Peer slave = opened(slavePath);
        slave.write("hello");
        next.grant(UNLIMITED);
        rig.until("input", () -> next.text().equals("hello"));
        assertEquals(OPENED, next.events());
    }

    @Test
    void shouldReadWhatAPtysUserLeftBeforeTheHandover() throws Exception {
        RecordingHandler front = rig.front("pty,id=c");
        PtyChardev pty = (PtyChardev) Objects.requireNonNull(rig.before().find("c"));
        Peer slave = opened(pty.slavePath());
        rig.loop().until("connected", pty::isOpen);
        slave.write("last words");
        slave.close();
        rig.loop().settle();
        assertEquals("", front.text());
        rig.handOver();
        RecordingHandler next = rig.frontOfNext("c");
        next.grant(UNLIMITED);
        rig.until("closed", () -> next.events().contains(ChardevEvent.CLOSED));
        assertEquals("last words", next.text());
    }

    @Test
    void shouldGoOnWithASerialLineAndABreakThatIsDue() throws Exception {
        Terminals.Pty line = Terminals.openPty();
        Peer far = rig.closing(new Peer(line.master()));
        RecordingHandler front = rig.front("serial,id=c,path=" + line.slavePath());
        SerialChardev before =
                (SerialChardev) Objects.requireNonNull(rig.before().find("c"));
        front.write("a".repeat(1000));
        before.sendBreakToLine();
        assertTrue(before.isSendingBreak());
        rig.handOver();
        SerialChardev next = (SerialChardev) rig.goneOn("c");
        assertTrue(next.isSendingBreak());
        RecordingHandler nextFront = rig.frontOfNext("c").grant(UNLIMITED);
        assertEquals(0, nextFront.write("b"), "output overtakes the break");
        assertEquals(1000, far.text().length());
        rig.until("the break is over", () -> !next.isSendingBreak());
        assertEquals(1, nextFront.writableCalls());
        assertEquals(1, nextFront.write("b"));
        far.write("in");
        rig.until("input", () -> nextFront.text().equals("in"));
        assertTrue(far.text().endsWith("ab"));
    }

    @Test
    void shouldGoOnWithASerialLine() throws Exception {
        Terminals.Pty line = Terminals.openPty();
        Peer far = rig.closing(new Peer(line.master()));
        assertGoesOn(rig.front("serial,id=c,baud=9600,path=" + line.slavePath()), far);
    }

    // --- files

    @Test
    void shouldGoOnInAFileWhereItWas() throws Exception {
        Files.writeString(folder.resolve("in"), "one,two,three");
        RecordingHandler front = rig.front("file,id=c,path=" + path("out") + ",input-path=" + path("in"));
        front.write("out1,");
        front.grant(4);
        rig.loop().until("input", () -> front.text().equals("one,"));
        rig.handOver();
        assertEquals("out1,", file("out"));
        RecordingHandler next = rig.frontOfNext("c");
        assertEquals(OPENED, next.events());
        next.write("out2");
        next.grant(UNLIMITED);
        rig.until("the input ends", () -> next.count(ChardevEvent.CLOSED) == 1);
        assertEquals("two,three", next.text());
        assertEquals("out1,out2", file("out"));
    }

    @Test
    void shouldNotOpenAFileAgainWhoseInputHasEnded() throws Exception {
        Files.writeString(folder.resolve("in"), "");
        RecordingHandler front = rig.front("file,id=c,append=on,path=" + path("out") + ",input-path=" + path("in"))
                .grant(UNLIMITED);
        rig.loop().until("the input ends", () -> front.count(ChardevEvent.CLOSED) == 1);
        front.write("out1,");
        Files.writeString(folder.resolve("out"), "out1,others,");
        rig.handOver();
        RecordingHandler next = rig.frontOfNext("c").grant(UNLIMITED);
        rig.nextLoop().settle();
        assertEquals(List.of(), next.events());
        next.write("out2");
        assertEquals("out1,others,out2", file("out"));
    }

    @Test
    void shouldGoOnWithAPipe() throws Exception {
        for (String name : List.of("p.in", "p.out")) {
            assertEquals(0, new ProcessBuilder("mkfifo", path(name)).start().waitFor());
        }
        RecordingHandler front = rig.front("pipe,id=c,path=" + path("p"));
        Fd reader = Posix.open(path("p.out"), Posix.O_RDONLY | Posix.O_NONBLOCK, 0);
        assertGoesOn(
                front, rig.closing(new Peer(reader, Posix.open(path("p.in"), Posix.O_WRONLY | Posix.O_NONBLOCK, 0))));
    }

    // --- datagrams

    private static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    private static int freePort() throws PosixException {
        try (Fd probe = Datagrams.open(loopback(0), loopback(9), null)) {
            return Objects.requireNonNull(Sockets.localAddress(probe)).getPort();
        }
    }

    @Test
    void shouldGoOnWithDatagramsInTheMiddleOfOne() throws Exception {
        int ours = freePort();
        int theirs = freePort();
        RecordingHandler front = rig.front("udp,id=c,host=127.0.0.1,port=" + theirs + ",localport=" + ours);
        Peer peer = rig.closing(new Peer(Datagrams.open(loopback(theirs), loopback(ours), null)));
        peer.write("first");
        front.grant(2);
        rig.loop().until("a part", () -> front.text().equals("fi"));
        peer.write("second");
        rig.loop().settle();
        front.write("one");
        rig.handOver();
        RecordingHandler next = rig.frontOfNext("c").grant(UNLIMITED);
        peer.write("third");
        rig.until("the rest", () -> next.text().equals("rstsecondthird"));
        next.write("two");
        assertEquals("onetwo", peer.text());
        assertEquals(List.of(), next.events());
    }

    // --- memory

    @Test
    void shouldKeepWhatIsInARingAndWhatATestdevHasCounted() throws Exception {
        RecordingHandler ring = rig.front("ringbuf,id=r,size=16");
        ring.write("0123456789abcdefghij");
        RingbufChardev before =
                (RingbufChardev) Objects.requireNonNull(rig.before().find("r"));
        assertEquals("45", new String(before.read(2), StandardCharsets.US_ASCII));
        RecordingHandler testdev = rig.front("testdev,id=t");
        testdev.write(" 1");
        rig.front("null,id=n");
        rig.handOver();
        RingbufChardev next = (RingbufChardev) rig.goneOn("r");
        assertEquals(OPENED, rig.frontOfNext("r").events());
        next.append("kl".getBytes(StandardCharsets.US_ASCII));
        next.append("m".getBytes(StandardCharsets.US_ASCII));
        assertEquals("789abcdefghijklm".substring(0, 16), new String(next.read(99), StandardCharsets.US_ASCII));
        rig.frontOfNext("t").write("2 q");
        assertEquals(List.of(25), exits);
        assertEquals(List.of(), rig.frontOfNext("n").events());
        assertNull(rig.before().find("r"));
    }
}
