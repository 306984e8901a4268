package org.vportd.chardev.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.ByteStream;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.Pattern;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;

/** What goes through a connection once both have agreed. */
class TlsStreamTest extends TlsFixture {
    private static final long TOTAL = 32 << 20;

    @Test
    @DisplayName("CH-14 TLS: every byte arrives once, both ways")
    void carriesEveryByteOnce() throws Exception {
        JavaClient client = new JavaClient();
        RecordingHandler front = agreed(client, serve(serverSettings("", null)));
        try (StreamExchange exchange = new StreamExchange(fixture.loop(), front, 1)) {
            exchange.run(client.socket.getInputStream(), client.socket.getOutputStream(), TOTAL);
        }
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
    }

    @Test
    @DisplayName("CH-14 TLS, WebSocket and telnet stack: every byte arrives once, both ways")
    void stacks() throws Exception {
        JavaClient client = new JavaClient();
        StreamProtocols all = new StreamProtocols(true, TelnetStream.Mode.TELNET, true, serverSettings("", null));
        LayerChardev chardev = fixture.serve(fixture.accept(), lower -> all.over(lower, fixture.eventLoop(), "t"));
        RecordingHandler front = fixture.front(chardev);
        WebSocketClient web = new WebSocketClient(client.socket.getInputStream(), client.socket.getOutputStream());
        CompletableFuture<String> upgrade = start(web::upgrade);
        fixture.loop().until("upgraded", upgrade::isDone);
        assertTrue(upgrade.join().startsWith("HTTP/1.1 101 "), upgrade.join());
        fixture.loop().until("OPENED", () -> front.count(ChardevEvent.OPENED) == 1);

        InputStream in = TelnetClient.reading(web.input());
        try (StreamExchange exchange = new StreamExchange(fixture.loop(), front, 1)) {
            exchange.run(in, TelnetClient.writing(web.output()), TOTAL / 8);
        }
    }

    @Test
    @DisplayName("CH-14 TLS: without any protocol the connection itself is the stream; a client does not speak telnet")
    void leavesConnectionAsItIs() {
        ByteStream.Opener connection = owner -> {
            throw new AssertionError();
        };
        assertEquals(connection, StreamProtocols.NONE.over(connection, fixture.eventLoop(), "t"));
        StreamProtocols client = new StreamProtocols(false, TelnetStream.Mode.TELNET, true, null);
        assertEquals(connection, client.over(connection, fixture.eventLoop(), "t"));
    }

    @Test
    @DisplayName("CH-14 TLS: who does not read is not written to without end, nor the other way round")
    void holdsBothSidesBack() throws Exception {
        JavaClient client = new JavaClient();
        RecordingHandler front = agreed(client, serve(serverSettings("", null)));
        long page = NativeMemory.allocate(65536);
        long taken = 0;
        try (IoVector data = new IoVector()) {
            data.add(page, 65536);
            for (long n = 1; n > 0; taken += n) {
                n = front.frontend().write(data);
                assertTrue(taken < 64 << 20, "taken for a peer that does not read: " + taken);
            }
        } finally {
            NativeMemory.free(page);
        }
        AtomicLong sent = new AtomicLong();
        CompletableFuture<Void> sending = start(() -> {
            while (true) {
                client.socket.getOutputStream().write(new byte[65536]);
                sent.addAndGet(65536);
            }
        });
        long before = -1;
        while (before != sent.get()) {
            before = sent.get();
            for (int i = 0; i < 20; i++) {
                fixture.loop().loop().turn(5);
            }
        }
        assertEquals(0, front.receivedBytes());
        assertTrue(before < 64 << 20, "taken from a peer that nobody reads: " + before);
        assertFalse(sending.isDone());

        long expected = taken;
        CompletableFuture<Long> reading = start(() -> {
            long n = 0;
            while (n < expected) {
                n += client.socket.getInputStream().read(new byte[65536]);
            }
            return n;
        });
        fixture.loop().until("all of it arrives", reading::isDone);
        assertEquals(expected, reading.join());
        assertEquals(1, front.writableCalls());
        client.wire.close();
        fixture.loop().until("sending ends", sending::isDone);
    }

    @Test
    @DisplayName("CH-14 TLS: what was taken reaches a client after the chardev was closed, and the end is said")
    void deliversWhatWasTaken() throws Exception {
        JavaClient client = new JavaClient();
        LayerChardev chardev = serve(serverSettings("", null));
        RecordingHandler front = agreed(client, chardev);
        long memory = NativeMemory.allocate(65536);
        long taken = 0;
        try (IoVector data = new IoVector()) {
            for (long n = 1; n > 0; taken += n) {
                Pattern.fill(memory, taken, 65536);
                data.clear();
                data.add(memory, 65536);
                n = front.frontend().write(data);
            }
        } finally {
            NativeMemory.free(memory);
        }
        chardev.close();

        long expected = taken;
        CompletableFuture<Long> reading = start(() -> {
            InputStream in = client.socket.getInputStream();
            long position = 0;
            for (int b = in.read(); b >= 0; b = in.read(), position++) {
                if ((byte) b != Pattern.at(position)) {
                    throw new AssertionError("differs at position=" + position);
                }
            }
            return position; // an end without close_notify would have been an exception
        });
        fixture.loop().until("all is read", reading::isDone);
        assertEquals(expected, reading.join());
    }

    @Test
    @DisplayName("CH-14 TLS: memory that vanishes while it is encrypted ends the connection and nothing else")
    void survivesLostMemory() throws Exception {
        JavaClient client = new JavaClient();
        LayerChardev chardev = serve(serverSettings("", null));
        RecordingHandler front = agreed(client, chardev);
        front.write("before");
        CompletableFuture<byte[]> before = new CompletableFuture<>();
        CompletableFuture<Long> unused = start(() -> {
            InputStream in = client.socket.getInputStream();
            before.complete(in.readNBytes(6));
            return in.transferTo(OutputStream.nullOutputStream());
        });
        try (Fd file = Posix.memoryFile("guest", 65536);
                MappedMemory memory = MappedMemory.map(file, 0, 65536);
                IoVector data = new IoVector()) {
            Posix.resize(file, 0);
            data.add(memory.address(), 65536);
            InternalError lost = assertThrows(InternalError.class, () -> writeUntilEnd(chardev, front, data));
            assertTrue(String.valueOf(lost.getMessage()).contains("memory"), lost.toString());
        }
        fixture.loop().until("ended", chardev::hasEnded);
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
        assertEquals("before", new String(before.get(20, TimeUnit.SECONDS), StandardCharsets.ISO_8859_1));
    }

    /** The virtual machine reports the error when it pleases: late, when there is nothing to end, then again. */
    private void writeUntilEnd(LayerChardev chardev, RecordingHandler front, IoVector data) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        InternalError lost = new InternalError("none");
        while (!chardev.hasEnded()) {
            assertTrue(System.nanoTime() - end < 0, lost::toString);
            try {
                front.frontend().write(data);
                for (int i = 0; i < 100_000; i++) {
                    Thread.onSpinWait();
                }
                fixture.loop().loop().turn(0);
            } catch (InternalError e) {
                lost = e;
            }
        }
        throw lost;
    }

    @Test
    @DisplayName("CH-14 TLS: connections leave no memory behind")
    void freesMemory() throws Exception {
        TlsSettings settings = serverSettings("", null);
        StreamProtocols all = new StreamProtocols(true, TelnetStream.Mode.TELNET, true, settings);
        cycle(all, 50);
        long before = residentBytes();
        cycle(all, 300); // of half a megabyte each
        long grown = residentBytes() - before;
        assertTrue(grown < 64 << 20, "grown by " + grown);
    }

    private void cycle(StreamProtocols protocols, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            Fd[] pair = Sockets.pair();
            try (Peer peer = new Peer(pair[1])) {
                LayerChardev chardev = fixture.serve(pair[0], lower -> protocols.over(lower, fixture.eventLoop(), "t"));
                peer.write("no handshake at all, but enough to be one");
                fixture.loop().until("ended", chardev::hasEnded);
            }
        }
    }

    private static long residentBytes() throws IOException {
        return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ", -1)[1]) * 4096;
    }
}
