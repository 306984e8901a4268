package org.vportd.chardev.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.Exchange;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.Fd;
import org.vportd.posix.FileStatus;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;
import org.vportd.testing.OpenDescriptors;

/** Sockets that wait for clients. */
class SocketServerTest extends SocketFixture {
    private static final long TOTAL = 8 << 20;
    private static final int CYCLES = 2000;

    @Test
    @DisplayName("CH-09 a second client waits and is served when the first leaves; the filename says which it is")
    void shouldServeOneClientAfterTheOther() throws Exception {
        RecordingHandler front = server();
        assertEquals("disconnected:unix:" + path + ",server=on", chardev().filename());
        Peer first = connect();
        until(front, ChardevEvent.OPENED, 1);
        assertEquals("unix:" + path + ",server=on", chardev().filename());

        Peer second = connect();
        second.write("second");
        first.write("first,");
        front.write("to the first");
        fixture.loop().settle();
        assertEquals("first,", front.text());
        assertEquals("to the first", first.text());

        first.close();
        until(front, ChardevEvent.OPENED, 2);
        fixture.loop().settle();
        assertEquals("first,second", front.text());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED, ChardevEvent.OPENED), front.events());

        second.close();
        until(front, ChardevEvent.CLOSED, 2);
        assertEquals("disconnected:unix:" + path + ",server=on", chardev().filename());
    }

    @Test
    void shouldDropOutputWhileNobodyIsConnected() throws Exception {
        RecordingHandler front = server();

        assertEquals(4, front.write("drop"));
        Peer peer = connect();
        until(front, ChardevEvent.OPENED, 1);
        front.write("keep");

        assertEquals("keep", peer.text());
    }

    @Test
    @DisplayName("CH-15 all of 1 MB reaches the front-end before CLOSED, however slow it takes it")
    void shouldDeliverAllBeforeClosed() throws Exception {
        RecordingHandler front = fixture.attach(fixture.add("socket,id=c,server=on,wait=off,path=" + path));
        front.checkingPattern();
        Peer peer = connect();
        int total = 1_000_000;
        while (peer.patternWritten() < total) {
            peer.writePattern(Math.min(50_000, total - peer.patternWritten()));
            front.grant(10_000);
            fixture.loop().loop().turn(0);
        }
        peer.close();
        while (front.receivedBytes() < total) {
            assertFalse(front.events().contains(ChardevEvent.CLOSED));
            front.grant(997);
            fixture.loop().loop().turn(0);
        }
        until(front, ChardevEvent.CLOSED, 1);

        assertEquals(total, front.receivedBytes());
    }

    @Test
    void shouldServeNextClientWhenOneLeavesUnreadDataToFrontendThatDoesNotReceive() throws Exception {
        RecordingHandler front = fixture.attach(fixture.add("socket,id=c,server=on,wait=off,path=" + path));
        front.setReceiving(false);
        Peer first = connect();
        first.write("unread");
        until(front, ChardevEvent.OPENED, 1);
        first.close();
        until(front, ChardevEvent.CLOSED, 1);

        Peer second = connect();
        until(front, ChardevEvent.OPENED, 2);
        front.setReceiving(true);
        front.grant(100);
        second.write("read");
        fixture.loop().settle();

        assertEquals("read", front.text());
    }

    @Test
    @DisplayName("CH-11 a stale path is replaced, and removed at the end")
    void shouldReplaceStalePathAndRemoveItAtTheEnd() throws Exception {
        UnixAddress.ofPath(path).listen(1).close();
        assertTrue(FileStatus.ofLink(path).isSocket());

        RecordingHandler front = server();
        connect();
        until(front, ChardevEvent.OPENED, 1);
        front.frontend().detach();
        fixture.chardevs().remove("c");

        assertFalse(Files.exists(folder.resolve("s"), LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    @DisplayName("CH-11 a path that somebody listens at is refused, and that one is not harmed")
    void shouldRefusePathThatIsInUse() throws Exception {
        RecordingHandler front = server();
        assertEquals(
                "Failed to bind socket to " + path + ": Address already in use",
                fixture.refusal("socket,id=d,server=on,wait=off,path=" + path));
        fixture.loop().settle();
        assertEquals(List.of(), front.events(), "nobody was taken for a client");
        fixture.closing(UnixAddress.ofPath(path).connect());
        until(front, ChardevEvent.OPENED, 1);

        String others = folder.resolve("others").toString();
        Fd listener = fixture.closing(UnixAddress.ofPath(others).listen(2));
        assertEquals(
                "Failed to bind socket to " + others + ": Address already in use",
                fixture.refusal("socket,id=d,server=on,wait=off,path=" + others));
        fixture.closing(UnixAddress.ofPath(others).connect());
        assertTrue(Sockets.isListening(listener));
    }

    @Test
    void shouldRefusePathThatIsNoSocketAndNeverFollowLinks() throws Exception {
        Path file = Files.writeString(folder.resolve("s"), "precious");
        assertEquals(
                "Failed to unlink socket " + path + ": it is not a socket",
                fixture.refusal("socket,id=c,server=on,wait=off,path=" + path));
        assertEquals("precious", Files.readString(file));

        String stale = folder.resolve("stale").toString();
        UnixAddress.ofPath(stale).listen(1).close();
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of(stale));
        assertEquals(
                "Failed to unlink socket " + link + ": it is not a socket",
                fixture.refusal("socket,id=c,server=on,wait=off,path=" + link));
        assertTrue(Files.isSymbolicLink(link));
        assertTrue(FileStatus.ofLink(stale).isSocket());
    }

    @Test
    void shouldLeavePathThatIsNoLongerOurs() throws Exception {
        server();
        Files.delete(Path.of(path));
        Fd other = fixture.closing(UnixAddress.ofPath(path).listen(1));

        fixture.chardevs().all().forEach(Chardev::close);

        assertTrue(FileStatus.ofLink(path).isSocket());
        assertTrue(Sockets.isListening(other));
    }

    @Test
    @DisplayName("CH-11 a path may fill all the room there is for one, and goes in the end")
    void shouldTakeLongestPath() throws Exception {
        String longest = path + "x".repeat(108 - path.length());
        fixture.add("socket,id=s,server=on,wait=off,path=" + longest);
        Chardev client = fixture.add("socket,id=t,path=" + longest);
        fixture.loop().until("connection", client::isOpen);
        fixture.chardevs().remove("s");
        assertFalse(Files.exists(Path.of(longest)));
    }

    @Test
    void shouldRefusePathsThatCannotBeBound() {
        String tooLong = "/tmp/" + "x".repeat(104);
        assertEquals(
                "UNIX socket path '" + tooLong + "' is too long",
                fixture.refusal("socket,id=c,server=on,wait=off,path=" + tooLong));
        assertEquals(
                "Failed to bind socket to /x/y: No such file or directory",
                fixture.refusal("socket,id=c,server=on,wait=off,path=/x/y"));
    }

    @Test
    @DisplayName("CH-19 an abstract name is exact or filled up")
    void shouldListenAtAbstractName() throws Exception {
        String name = "vportd-test-" + ProcessHandle.current().pid();
        RecordingHandler tight = fixture.front("socket,id=c,server=on,wait=off,abstract=on,path=" + name);
        RecordingHandler padded = fixture.front("socket,id=d,server=on,wait=off,abstract=on,tight=off,path=" + name);
        assertEquals(
                "disconnected:unix:" + name + ",abstract=on,tight=on,server=on",
                chardev().filename());

        fixture.closing(UnixAddress.ofAbstract(name, true).connect());
        until(tight, ChardevEvent.OPENED, 1);
        assertEquals(List.of(), padded.events());
        fixture.closing(UnixAddress.ofAbstract(name, false).connect());
        until(padded, ChardevEvent.OPENED, 1);
    }

    @Test
    void shouldBeAwaitedUntilTheFirstClientWhenNotToldOtherwise() throws Exception {
        Chardev chardev = fixture.add("socket,id=c,server=on,path=" + path);
        assertTrue(fixture.chardevs().areAwaited());
        assertEquals(
                List.of("INFO vportd waiting for connection on: disconnected:unix:" + path + ",server=on"),
                fixture.log());

        Peer peer = connect();
        fixture.loop().until("connected", chardev::isOpen);
        assertFalse(fixture.chardevs().areAwaited());
        peer.close();
        fixture.loop().until("disconnected", () -> !chardev.isOpen());

        assertFalse(fixture.chardevs().areAwaited(), "once is enough");
    }

    @Test
    void shouldRestWhenDescriptorsHaveRunOut() throws Exception {
        RecordingHandler front = server();
        Peer peer = connect();
        peer.write("patient");
        // Loads now what could not be loaded without a descriptor left.
        System.getLogger(Listener.class.getName()).log(System.Logger.Level.WARNING, new PosixException("x", 1));
        fixture.log().clear();
        List<Fd> hoard = new ArrayList<>();
        try {
            assumeTrue(fillDescriptorTable(peer.fd(), hoard), "the limit of descriptors is too high to be reached");
            fixture.loop().settle();
            fixture.loop().loop().turn(50);
            assertEquals(List.of(), front.events());
        } finally {
            hoard.forEach(Fd::close);
        }
        assertEquals(1, fixture.log().size(), fixture.log().toString());
        assertTrue(
                fixture.log().get(0).contains("Too many open files"),
                fixture.log().toString());

        until(front, ChardevEvent.OPENED, 1);
        fixture.loop().settle();
        assertEquals("patient", front.text());
    }

    private static boolean fillDescriptorTable(Fd fd, List<Fd> hoard) {
        try {
            while (hoard.size() < 200_000) {
                hoard.add(fd.duplicate());
            }
            return false;
        } catch (PosixException e) {
            return true;
        }
    }

    @RepeatedTest(2)
    void shouldCarryEveryByteOnce(RepetitionInfo repetition) throws Exception {
        RecordingHandler front = fixture.attach(fixture.add("socket,id=c,server=on,wait=off,path=" + path));
        Peer peer = connect();
        until(front, ChardevEvent.OPENED, 1);
        try (Exchange exchange = new Exchange(fixture.loop(), front, peer, 300 + repetition.getCurrentRepetition())) {
            exchange.run(TOTAL);
        }
    }

    @Test
    void shouldLeakNothingWhenClientsComeAndGo() throws Exception {
        RecordingHandler front = server();
        long before = OpenDescriptors.count();
        for (int i = 1; i <= CYCLES; i++) {
            int cycle = i;
            Peer peer = new Peer(UnixAddress.ofPath(path).connect());
            peer.write("x");
            if (i % 2 == 0) {
                until(front, ChardevEvent.OPENED, cycle);
                front.write("y");
            }
            peer.close();
            until(front, ChardevEvent.CLOSED, cycle);
        }

        OpenDescriptors.assertNoneSince(before);
        assertEquals(CYCLES, front.text().length());
        assertEquals(List.of(), fixture.log());
    }

    // --- TCP

    @Test
    @DisplayName("CH-12 port 0 shows the port that was bound; both ends show while connected")
    void shouldShowTheBoundPort() throws Exception {
        RecordingHandler front = fixture.front("socket,id=c,server=on,wait=off,nodelay=on,host=127.0.0.1,port=0");
        String waiting = chardev().filename();
        assertTrue(waiting.matches("disconnected:tcp:127\\.0\\.0\\.1:[1-9][0-9]*,server=on"), waiting);
        int port = Integer.parseInt(waiting.replaceAll("[^:]*:[^:]*:[^:]*:|,.*", ""));

        Peer peer = connectTcp(port);
        until(front, ChardevEvent.OPENED, 1);
        InetSocketAddress theirs = Objects.requireNonNull(Sockets.localAddress(peer.fd()));
        assertEquals(
                "tcp:127.0.0.1:" + port + ",server=on <-> 127.0.0.1:" + theirs.getPort(),
                chardev().filename());

        peer.write("tcp");
        peer.close();
        until(front, ChardevEvent.CLOSED, 1);
        assertEquals("tcp", front.text());
    }

    @Test
    @DisplayName("CH-12 to= walks on to the next free port")
    void shouldTryPortsUpToTheLast() throws Exception {
        try (Fd taken = Sockets.listenTcp(loopback(0), 1)) {
            int port = Objects.requireNonNull(Sockets.localAddress(taken)).getPort();
            assertEquals(
                    "Failed to find an available port: Address already in use",
                    fixture.refusal("socket,id=c,server=on,wait=off,host=127.0.0.1,port=" + port));

            int last = Math.min(65535, port + 50);
            fixture.add("socket,id=c,server=on,wait=off,host=127.0.0.1,port=" + port + ",to=" + last);

            assertFalse(
                    chardev().filename().contains(":" + port + ","), chardev().filename());
        }
    }

    @Test
    void shouldListenEverywhereWhenHostIsEmpty() throws Exception {
        RecordingHandler front = fixture.front("socket,id=c,server=on,wait=off,host=,port=0");
        int port = Integer.parseInt(chardev().filename().replaceAll(".*:|,.*", ""));

        connectTcp(port);

        until(front, ChardevEvent.OPENED, 1);
    }
}
