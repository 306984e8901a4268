package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.Options;
import org.vportd.handover.Parcel;
import org.vportd.handover.ParcelSocket;
import org.vportd.posix.Fd;
import org.vportd.posix.Poll;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;
import org.vportd.testing.OpenDescriptors;

/** A daemon takes the place of another one under a running guest. Both are in this process, with all that is between them. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class TakeOverTest {
    private static final int BLOCK = 50_000;
    private static final int PATIENCE_MS = 10_000;

    @TempDir
    private Path folder;

    private static Options options(String text, String impliedKey) {
        return Options.parse(text, impliedKey, warning -> {});
    }

    private DaemonThread start() throws Exception {
        return new DaemonThread(List.of(
                "--handover=" + folder.resolve("handover"),
                "--socket-path=" + folder.resolve("vm"),
                "--threads=2",
                "--poll=50",
                "-chardev",
                server("c"),
                "-chardev",
                "ringbuf,id=r,size=1024",
                "-chardev",
                server("mon"),
                "-mon",
                "mon,mode=control",
                "-device",
                "virtserialport,id=p,chardev=c,nr=1,name=org.a",
                "-device",
                "virtconsole,chardev=r"));
    }

    private String server(String id) {
        return "socket,server=on,wait=off,id=" + id + ",path=" + folder.resolve(id);
    }

    private DaemonThread takeOver() throws Exception {
        return DaemonThread.takingOver(folder.resolve("handover"));
    }

    private SocketChannel connect(String name) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(folder.resolve(name)));
        return channel;
    }

    private static ByteBuffer block(int round) {
        ByteBuffer block = ByteBuffer.allocate(BLOCK);
        while (block.hasRemaining()) {
            block.put((byte) (block.position() * 7 + round));
        }
        return block.flip();
    }

    private static void write(SocketChannel to, int round) throws IOException {
        ByteBuffer block = block(round);
        while (block.hasRemaining()) {
            to.write(block);
        }
    }

    private static void expect(SocketChannel from, int round) throws IOException {
        ByteBuffer back = ByteBuffer.allocate(BLOCK);
        while (back.hasRemaining()) {
            assertTrue(from.read(back) > 0, "the port has closed");
        }
        assertEquals(block(round), back.flip());
    }

    @Test
    @DisplayName("guest, peers and monitor go on with another process, not a byte lost or repeated")
    void shouldGoOnInAnotherProcess() throws Exception {
        goOverProcesses(1); // loads what opens descriptors of its own
        long before = OpenDescriptors.count();
        goOverProcesses(10);
        assertEquals(before, OpenDescriptors.count());
    }

    @Test
    @DisplayName("QMP-13 monitors and sets of descriptors that came later go on, and go when they are told to")
    void shouldGoOnWithMonitorsMadeLater() throws Exception {
        Files.writeString(folder.resolve("out"), "old");
        Fd out = Posix.open(folder.resolve("out").toString(), Posix.O_WRONLY, 0);
        DaemonThread first = new DaemonThread(new DaemonConfig(
                null,
                folder.resolve("handover").toString(),
                false,
                "first",
                (byte) 1,
                List.of(),
                Stream.of(server("mon"), server("other"), server("last"))
                        .map(text -> ChardevConfig.of(options(text, "backend")))
                        .toList(),
                List.of(MonitorConfig.parse(options("mon,mode=control", "chardev"))),
                new DevicesConfig(List.of(), List.of()),
                2,
                0,
                false,
                List.of(new PassedFd(out.release(), 4, "x")))); // not -add-fd: it is close-on-exec
        try (ChaosMonitor monitor = new ChaosMonitor(folder.resolve("mon"))) {
            for (String id : List.of("other", "last")) {
                String action = id.equals("last") ? ", 'close-action': 'delete'" : "";
                String made = "'qom-type': 'monitor-qmp', 'id': '" + id + "', 'chardev': '" + id + "'" + action;
                assertTrue(monitor.succeeds("object-add", made));
                assertFalse(monitor.succeeds("object-add", made));
            }
            Map<?, ?> sets = monitor.ask("query-fdsets", "");
            DaemonThread next;
            try (ChaosMonitor last = new ChaosMonitor(folder.resolve("last"))) {
                next = takeOver();
                first.awaitEnd();
                assertTrue(last.succeeds("query-name", ""));
            }
            try (next;
                    ChaosMonitor other = new ChaosMonitor(folder.resolve("other"))) {
                assertEquals(sets, monitor.ask("query-fdsets", ""));
                assertTrue(monitor.succeeds(
                        "chardev-add", "'id': 'f', 'backend': {'type': 'file', 'data': {'out': '/dev/fdset/4'}}"));
                assertEquals("", Files.readString(folder.resolve("out")));
                assertTrue(other.succeeds("query-chardev", ""));
                assertFalse(other.succeeds("object-del", "'id': 'other'"));
                long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
                while (monitor.chardevs().containsKey("last")) {
                    assertTrue(System.nanoTime() - deadline < 0, "the monitor stays");
                }
                assertTrue(monitor.succeeds("object-del", "'id': 'other'"));
                assertTrue(monitor.succeeds("chardev-remove", "'id': 'other'"));
                assertFalse(monitor.succeeds("object-del", "'id': 'last'"));
            }
        }
    }

    private void goOverProcesses(int rounds) throws Exception {
        DaemonThread daemon = start();
        try (EchoGuest guest = new EchoGuest(folder.resolve("vm"), 2, false);
                SocketChannel peer = connect("c");
                ChaosMonitor monitor = new ChaosMonitor(folder.resolve("mon"))) {
            guest.awaitHostOpen(1, true);
            assertTrue(monitor.succeeds("chardev-add", "'id': 'late', 'backend': {'type': 'ringbuf', 'data': {}}"));
            assertTrue(monitor.succeeds(
                    "device_add", "'driver': 'virtserialport', 'id': 'q', 'chardev': 'late', 'nr': 5"));
            for (int round = 0; round < rounds; round++) {
                write(peer, round); // some of it on its way, in the guest and back, while the other one comes
                DaemonThread next = takeOver();
                daemon.awaitEnd();
                daemon = next;
                expect(peer, round);
                assertTrue(guest.isHostOpen(1));
                assertTrue(monitor.succeeds("query-chardev", ""));
            }
            assertTrue(monitor.succeeds("device_del", "'id': 'q'"));
            assertTrue(monitor.succeeds("chardev-remove", "'id': 'late'"));
            peer.shutdownOutput();
            assertEquals(-1, peer.read(ByteBuffer.allocate(1)));
            guest.awaitHostOpen(1, false);
            try (SocketChannel another = connect("c")) { // its socket is still there
                guest.awaitHostOpen(1, true);
                write(another, 20);
                expect(another, 20);
            }
        } finally {
            daemon.close();
        }
        assertFalse(Files.exists(folder.resolve("handover")));
        assertFalse(Files.exists(folder.resolve("vm")));
        assertFalse(Files.exists(folder.resolve("c")));
    }

    @Test
    @DisplayName("a handover that fails leaves everything where it is")
    void shouldGoOnHereWhenTheOtherFails() throws Exception {
        try (DaemonThread daemon = start();
                EchoGuest guest = new EchoGuest(folder.resolve("vm"), 2, false);
                SocketChannel peer = connect("c")) {
            guest.awaitHostOpen(1, true);
            for (int round = 0; round < 6; round++) {
                write(peer, round);
                fail(round);
                expect(peer, round);
            }
            DaemonThread next = takeOver();
            daemon.awaitEnd();
            write(peer, 99);
            expect(peer, 99);
            next.close();
        }
    }

    /** Comes, and goes again at one point or another. */
    private void fail(int how) throws Exception {
        try (ParcelSocket other = new ParcelSocket(
                UnixAddress.ofPath(folder.resolve("handover").toString()).connect(), PATIENCE_MS)) {
            if (how % 3 == 0) {
                return;
            }
            other.receive().close();
            if (how % 3 == 1) {
                other.send(new Parcel().put("error", "it does not fit"));
            }
        }
    }

    @Test
    @DisplayName("a process that does not let go keeps everything, and the other one nothing")
    void shouldLeaveEverythingWhenTheOtherDoesNotLetGo() throws Exception {
        tryInVain(); // loads what opens descriptors of its own
        long before = OpenDescriptors.count();
        tryInVain();
        assertEquals(before, OpenDescriptors.count());
    }

    private void tryInVain() throws Exception {
        Path path = folder.resolve("handover");
        try (Fd listener = Sockets.listenUnix(path.toString(), 1)) {
            CompletableFuture<Void> former = CompletableFuture.runAsync(() -> pretend(listener));
            ExecutionException failed = assertThrows(ExecutionException.class, this::takeOver);
            assertTrue(String.valueOf(failed.getMessage()).endsWith("it has not let go"), failed::toString);
            former.get(PATIENCE_MS, TimeUnit.MILLISECONDS);
        }
        Files.delete(path);
    }

    /** Hands nothing over, and thinks better of it. */
    private static void pretend(Fd listener) {
        try {
            Poll.await(listener, Poll.POLLIN, PATIENCE_MS);
            Fd connection = Sockets.accept(listener);
            if (connection == null) {
                throw new IllegalStateException("nobody has come");
            }
            try (ParcelSocket other = new ParcelSocket(connection, PATIENCE_MS)) {
                other.send(new Parcel().put("format", 1));
                other.receive().close();
                other.send(new Parcel());
                other.receive().close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    @DisplayName("what nobody listens at cannot be taken over")
    void shouldFailWhenNobodyIsThere() {
        ExecutionException failed = assertThrows(ExecutionException.class, this::takeOver);
        assertEquals(
                "cannot take over: --take-over=" + folder.resolve("handover") + ": connect: No such file or directory",
                String.valueOf(failed.getCause()).replaceFirst("^[^ ]* ", ""));
    }
}
