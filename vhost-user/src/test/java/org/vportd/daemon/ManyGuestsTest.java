package org.vportd.daemon;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several guests in one process, spread over threads. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class ManyGuestsTest {
    private static final int GUESTS = 6;
    private static final int BLOCK = 20_000;

    @TempDir
    private Path folder;

    private DaemonThread daemon;
    private ChaosMonitor monitor;
    private final List<Guest> guests = new ArrayList<>();

    /** A guest with one port that echoes, and the peer of that port. */
    private record Guest(EchoGuest echo, SocketChannel peer) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            peer.close();
            echo.close();
        }
    }

    @BeforeEach
    void start() throws Exception {
        daemon = new DaemonThread(
                List.of("--threads=3", "-qmp", "unix:" + folder.resolve("qmp") + ",server=on,wait=off"));
        monitor = new ChaosMonitor(folder.resolve("qmp"));
    }

    @AfterEach
    void stop() throws Exception {
        for (Guest guest : guests) {
            guest.close();
        }
        monitor.close();
        daemon.close();
    }

    private void must(String command, String arguments) throws Exception {
        assertTrue(monitor.succeeds(command, arguments), () -> command + " " + arguments);
    }

    private Guest add(int n) throws Exception {
        Path socket = folder.resolve("vm" + n);
        Path channel = folder.resolve("c" + n);
        must(
                "device_add",
                "'driver': 'vhost-user-serial', 'id': 'vm" + n + "', 'socket-path': '" + socket + "', 'max_ports': 4");
        must(
                "chardev-add",
                "'id': 'c" + n + "', 'backend': {'type': 'socket', 'data': {'addr': {'type': 'unix', "
                        + "'data': {'path': '" + channel + "'}}, 'server': true, 'wait': false}}");
        SocketChannel peer = SocketChannel.open(StandardProtocolFamily.UNIX); // before anybody knows where c<n> belongs
        peer.connect(UnixDomainSocketAddress.of(channel));
        must(
                "device_add",
                "'driver': 'virtserialport', 'id': 'p" + n + "', 'bus': 'vm" + n + ".0', 'nr': 1, " + "'chardev': 'c"
                        + n + "'");
        EchoGuest echo = new EchoGuest(socket, 2, false);
        echo.awaitHostOpen(1, true);
        return new Guest(echo, peer);
    }

    private static ByteBuffer block(int guest, int round) {
        ByteBuffer block = ByteBuffer.allocate(BLOCK);
        while (block.hasRemaining()) {
            block.put((byte) (block.position() * 7 + guest * 31 + round));
        }
        return block.flip();
    }

    /** All guests at once: each peer writes, then each gets back what it has written and nothing else. */
    private void exchange(List<Guest> with, int round) throws Exception {
        for (Guest guest : with) {
            ByteBuffer block = block(guests.indexOf(guest), round);
            while (block.hasRemaining()) {
                guest.peer.write(block);
            }
        }
        for (Guest guest : with) {
            ByteBuffer back = ByteBuffer.allocate(BLOCK);
            while (back.hasRemaining()) {
                assertTrue(guest.peer.read(back) > 0, "the port has closed");
            }
            assertEquals(block(guests.indexOf(guest), round), back.flip());
        }
    }

    @Test
    @DisplayName("devices come and go by QMP, on several threads, and nobody sees anything of the others")
    void shouldServeGuestsSideBySide() throws Exception {
        for (int i = 0; i < GUESTS; i++) {
            guests.add(add(i));
        }
        for (int round = 0; round < 20; round++) {
            exchange(guests, round);
            must("chardev-add", "'id': 'extra', 'backend': {'type': 'ringbuf', 'data': {}}");
            must(
                    "device_add",
                    "'driver': 'virtserialport', 'id': 'extra', 'bus': 'vm" + round % GUESTS
                            + ".0', 'nr': 2, 'chardev': 'extra'");
            must("device_del", "'id': 'extra'");
            must("chardev-remove", "'id': 'extra'");
        }
        List<Guest> left = guests.subList(GUESTS / 2, GUESTS);
        for (int i = 0; i < GUESTS / 2; i++) {
            must("device_del", "'id': 'vm" + i + "'");
        }
        exchange(left, 100);
    }

    @Test
    @DisplayName("a chardev that is shared brings the devices that share it together on one thread")
    void shouldBringDevicesTogetherThatShareAChardev() throws Exception {
        for (int i = 0; i < 3; i++) {
            guests.add(add(i));
        }
        must("chardev-add", "'id': 'base', 'backend': {'type': 'ringbuf', 'data': {}}");
        must("chardev-add", "'id': 'mux', 'backend': {'type': 'mux', 'data': {'chardev': 'base'}}");
        for (int i = 0; i < 3; i++) {
            must(
                    "device_add",
                    "'driver': 'virtconsole', 'id': 'con" + i + "', 'bus': 'vm" + i + ".0', 'chardev': 'mux'");
        }
        for (int round = 0; round < 10; round++) {
            exchange(guests, round);
            must("ringbuf-write", "'device': 'base', 'data': 'x'");
        }
        for (int i = 0; i < 3; i++) {
            must("device_del", "'id': 'con" + i + "'");
        }
        must("chardev-remove", "'id': 'mux'");
        exchange(guests, 100);
    }

    @Test
    @DisplayName("a front-end that talks nonsense ends its own session only")
    void shouldServeOthersWhenOneIsBroken() throws Exception {
        for (int i = 0; i < 2; i++) {
            guests.add(add(i));
        }
        must(
                "device_add",
                "'driver': 'vhost-user-serial', 'id': 'bad', 'socket-path': '" + folder.resolve("bad") + "'");
        for (int round = 0; round < 10; round++) {
            try (SocketChannel bad = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                bad.connect(UnixDomainSocketAddress.of(folder.resolve("bad")));
                bad.write(ByteBuffer.wrap("nonsense that is longer than a header".getBytes(ISO_8859_1)));
                exchange(guests, round);
                assertTrue(isClosed(bad));
            }
        }
    }

    private static boolean isClosed(SocketChannel channel) {
        try {
            return channel.read(ByteBuffer.allocate(1)) < 0;
        } catch (IOException reset) {
            return true;
        }
    }
}
