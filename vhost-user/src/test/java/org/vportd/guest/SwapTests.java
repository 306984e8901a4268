package org.vportd.guest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What stands behind the port of {@link Rig} is exchanged for something else while the guest uses it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class SwapTests {
    private static final Duration TRANSFER = Duration.ofSeconds(40);
    private static final Duration SHORT = Duration.ofSeconds(10);
    private static final Duration QUIET = Duration.ofMillis(300);
    private static final long SIZE = GuestTests.SIZE;
    private static final int WRITE_LENGTH = 32768;

    @RegisterExtension
    final KeptRig kept;

    private DaemonMonitor monitor;

    SwapTests(Rig.Starter starter) {
        kept = new KeptRig(starter, dir -> List.of("-qmp", "unix:" + dir.resolve("control") + ",server=on,wait=off"));
    }

    private Rig rig() {
        return kept.rig();
    }

    private String run(String command) {
        return rig().console().run(command, TRANSFER);
    }

    @BeforeEach
    void connectMonitor() throws IOException {
        monitor = DaemonMonitor.connect(rig().dir().resolve("control"));
        rig().openPort();
    }

    @AfterEach
    void restoreSocket() throws IOException {
        changeToServer();
        monitor.close();
    }

    private Path path(String name) {
        return rig().dir().resolve(name);
    }

    private void changeTo(String backend) {
        Object unused = monitor.run("chardev-change", "'id': 'c2', 'backend': {" + backend + "}");
    }

    private void changeToFile(Path file) {
        changeTo("'type': 'file', 'data': {'out': '" + file + "', 'append': true}");
    }

    /** Under the path where {@link Rig#connectPeer} looks for it. */
    private void changeToServer() {
        changeTo(socket(path("port"), true));
    }

    private static String socket(Path path, boolean server) {
        return "'type': 'socket', 'data': {'addr': {'type': 'unix', 'data': {'path': '" + path + "'}}, 'server': "
                + server + (server ? ", 'wait': false}" : "}");
    }

    private HostPeer openBothEnds() throws IOException {
        HostPeer peer = rig().connectPeer();
        rig().awaitPeer("up");
        return peer;
    }

    private String startSending(int seed) {
        return run("portsend 5 " + SIZE + " " + seed + " >/tmp/sent & echo $!");
    }

    private void assertSent(String sender, int seed) {
        GuestTests.assertTransfer(seed, SIZE, run("wait " + sender + "; cat /tmp/sent"));
    }

    private static void awaitSize(Path file, long bytes) throws IOException {
        assertTrue(
                Deadline.after(TRANSFER).await(() -> Files.size(file) >= bytes),
                () -> file + " does not grow to " + bytes);
    }

    private static long update(MessageDigest digest, Path file) throws IOException {
        long bytes = 0;
        try (InputStream in = Files.newInputStream(file)) {
            byte[] block = new byte[65536];
            for (int count = in.read(block); count > 0; count = in.read(block)) {
                digest.update(block, 0, count);
                bytes += count;
            }
        }
        return bytes;
    }

    @Test
    @DisplayName("CH-36 CH-38 a stream over socket, file, client socket, file and memory is whole and in order")
    void streamGoesOverManyBackends() throws Exception {
        MessageDigest whole = TestPattern.newDigest();
        long bytes = 0;
        try (HostPeer peer = openBothEnds();
                ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(path("host")));
            String sender = startSending(41);
            whole.update(peer.receiveBytes(3 << 20, TRANSFER));
            rig().awaitInGuest(GuestTests.PORT_IS_FULL, "port never fills");

            changeToFile(path("first"));
            changeTo(socket(path("host"), false));
            bytes += (3 << 20) + peer.receiveAll(QUIET, whole);
            bytes += update(whole, path("first"));
            try (HostPeer accepted = HostPeer.accept(listener, SHORT)) {
                whole.update(accepted.receiveBytes(1 << 20, TRANSFER));
                changeToFile(path("second"));
                changeTo("'type': 'ringbuf', 'data': {'size': 16777216}");
                bytes += (1 << 20) + accepted.receiveAll(QUIET, whole);
            }
            bytes += update(whole, path("second"));
            assertSent(sender, 41);
            for (byte[] part = readMemory(); part.length > 0; part = readMemory()) {
                whole.update(part);
                bytes += part.length;
            }
        } finally {
            Files.deleteIfExists(path("host"));
        }
        assertEquals(SIZE, bytes);
        assertEquals(GuestTests.pattern(41, SIZE), TestPattern.hex(whole));
    }

    private byte[] readMemory() {
        return Base64.getDecoder()
                .decode(String.valueOf(
                        monitor.run("ringbuf-read", "'device': 'c2', 'size': 1048576, 'format': 'base64'")));
    }

    @Test
    @DisplayName("CH-36 what a stuck socket holds back goes on exactly once to each of two files and memory")
    void heldBytesGoOnOnce() throws Exception {
        MessageDigest whole = TestPattern.newDigest();
        try (HostPeer peer = openBothEnds()) {
            String sender = startSending(42);
            rig().awaitInGuest(GuestTests.PORT_IS_FULL, "port never fills");
            rig().awaitAsleep(sender);
            changeToFile(path("held"));
            long early = peer.receiveAll(QUIET, whole);
            awaitSize(path("held"), SIZE - early);
            assertSent(sender, 42);
            assertEquals(SIZE, early + update(whole, path("held")));
        }
        assertEquals(GuestTests.pattern(42, SIZE), TestPattern.hex(whole));
        changeTo("'type': 'ringbuf', 'data': {'size': 1048576}");
        String unused = run("echo remembered >&5");
        assertEquals("remembered\n", new String(readMemory(), UTF_8));
    }

    @Test
    @DisplayName("CH-38 300 changes while the guest writes: the file has every byte in its place")
    void manyChangesWhileGuestWrites() throws Exception {
        changeToFile(path("many"));
        rig().awaitPeer("up");
        String sender = startSending(43);
        for (int i = 0; i < 300; i++) {
            changeToFile(path("many"));
        }
        assertSent(sender, 43);
        awaitSize(path("many"), SIZE);
        MessageDigest whole = TestPattern.newDigest();
        assertEquals(SIZE, update(whole, path("many")));
        assertEquals(GuestTests.pattern(43, SIZE), TestPattern.hex(whole));
        assertEquals("POLLOUT", run("portpoll 5 1000"), "no change shows in the guest");
    }

    @Test
    @DisplayName("CH-32 CH-35 file to a server on the old path: the guest sees it closed, then open, and nothing twice")
    void guestSeesServerWithoutClient() throws Exception {
        try (HostPeer peer = openBothEnds()) {
            changeToFile(path("between"));
            peer.awaitEnd(SHORT);
            assertEquals("POLLOUT", run("portpoll 5 0"), "no close is seen, as a file is always open");
            changeToServer();
            rig().awaitPeer("down");
            String sender = startSending(44);
            rig().awaitAsleep(sender);
            try (HostPeer next = rig().connectPeer()) {
                GuestTests.assertTransfer(44, SIZE, next.receive(SIZE, TRANSFER));
                assertSent(sender, 44);
            }
        }
        assertEquals(0, Files.size(path("between")));
    }

    @Test
    @DisplayName("CH-32 CH-36 socket to pty: output for the peer that left is dropped, that for the terminal is not")
    void terminalGetsFreshData() throws Exception {
        try (HostPeer peer = openBothEnds()) {
            String sender = startSending(45);
            rig().awaitInGuest(GuestTests.PORT_IS_FULL, "port never fills");
            String pty =
                    String.valueOf(monitor.read("chardev-change", "'id': 'c2', 'backend': {'type': 'pty', 'data': {}}")
                            .get("pty"));
            assertTrue(peer.receiveAll(QUIET).bytes() < SIZE, "not all was for the peer");
            rig().awaitPeer("down");
            MessageDigest digest = TestPattern.newDigest();
            long fresh = 0;
            try (Terminal terminal = Terminal.open(Path.of(pty))) {
                ByteBuffer block = ByteBuffer.allocate(65536);
                while (terminal.read(block.clear(), Deadline.after(Duration.ofSeconds(2))) > 0) {
                    fresh += block.position();
                    digest.update(block.flip());
                }
            }
            assertSent(sender, 45);
            long lost = SIZE - fresh;
            assertTrue(fresh > 0 && lost % WRITE_LENGTH == 0, "does not begin with a write: lost=" + lost);
            assertEquals(new TestPattern(45).sha256(lost, SIZE), TestPattern.hex(digest));
        }
    }

    @Test
    @DisplayName("CH-38 input from one socket is in the guest before that from the next")
    void inputKeepsItsOrder() throws Exception {
        String reader;
        try (HostPeer first = openBothEnds()) {
            reader = run("cat <&5 >/tmp/got & echo $!"); // without a client it would have come to an end
            String unused = first.send(1 << 20, 46, TRANSFER);
            changeToFile(path("silent"));
        }
        changeTo("'type': 'ringbuf', 'data': {}");
        rig().awaitAsleep(reader);
        changeToServer();
        // Without a client the reader comes to an end.
        String got = run("wait " + reader + "; wc -c </tmp/got; sha256sum </tmp/got | cut -c1-64");
        long before = Long.parseLong(got.lines().findFirst().orElse(""));
        assertTrue(before > 0 && before <= 1 << 20, got);
        assertEquals(
                GuestTests.pattern(46, before), got.lines().skip(1).findFirst().orElse(""));
        try (HostPeer second = openBothEnds()) {
            Future<String> sent = rig().inBackground(() -> second.send(1 << 20, 47, TRANSFER));
            GuestTests.assertTransfer(47, 1 << 20, run("portrecv 5 1048576"));
            assertEquals(GuestTests.pattern(47, 1 << 20), GuestTests.await(sent));
        }
    }
}
