package org.vportd.chardev.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.ByteStream;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.Pattern;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.secure.Authorization;
import org.vportd.chardev.secure.Certificates;
import org.vportd.chardev.secure.TlsCredentials;
import org.vportd.chardev.secure.UserObject;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;

class TlsStreamTest {
    private static final long TOTAL = 32 << 20;

    @TempDir
    private static Path folder;

    private static Certificates certificates;

    private final UserObjects objects = new UserObjects();
    private LayerFixture fixture;

    @BeforeAll
    static void makeCertificates() throws Exception {
        assumeTrue(Certificates.arePossible(), "there is no openssl");
        certificates = new Certificates(folder.resolve("tls")).usual();
        certificates.authority("other", "/CN=Other CA");
        certificates.issue("stranger", "other", "/CN=stranger", 10, "extendedKeyUsage=clientAuth");
        certificates.issue("revoked", "ca", "/CN=revoked", 10, "extendedKeyUsage=clientAuth");
        certificates.revoke("revoked");
    }

    @BeforeEach
    void open() throws Exception {
        fixture = new LayerFixture();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    // --- both ends

    private UserObject object(String options) throws ConfigException {
        return objects.add(Options.parse(options, UserObjects.IMPLIED_KEY, warning -> {}));
    }

    private TlsCredentials credentials(String id, String options) throws ConfigException {
        return (TlsCredentials) object("tls-creds-x509,id=" + id + ",dir=" + certificates.folder() + "," + options);
    }

    private TlsSettings serverSettings(String options, @Nullable Authorization authorization) throws ConfigException {
        return new TlsSettings(credentials("server", "endpoint=server" + options), authorization, null);
    }

    private LayerChardev serve(TlsSettings settings) throws IOException {
        return fixture.serve(fixture.accept(), lower -> TlsStream.over(lower, fixture.eventLoop(), "t", settings));
    }

    /** An independent client: {@code openssl s_client}. */
    private final class OpensslClient implements AutoCloseable {
        private final Process process;
        private final Path output;

        OpensslClient(String... more) throws Exception {
            output = Files.createTempFile(folder, "s_client", ".out");
            List<String> command = new ArrayList<>(List.of(
                    "openssl",
                    "s_client",
                    "-quiet",
                    "-no_ign_eof",
                    "-nocommands",
                    "-verify_return_error",
                    "-CAfile",
                    "ca-cert.pem",
                    "-verify_hostname",
                    "localhost",
                    "-connect",
                    "127.0.0.1:" + fixture.address().getPort()));
            command.addAll(List.of(more));
            process = new ProcessBuilder(command)
                    .directory(certificates.folder().toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
        }

        void write(String text) throws IOException {
            process.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
            process.getOutputStream().flush();
        }

        String text() {
            try {
                return Files.readString(output, StandardCharsets.ISO_8859_1);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void close() throws IOException {
            process.destroyForcibly().onExit().join();
            process.getOutputStream().close();
            process.getInputStream().close();
            process.getErrorStream().close();
        }
    }

    private OpensslClient client(String... more) throws Exception {
        return fixture.closing(new OpensslClient(more));
    }

    private static String[] withCertificate(String name, String... more) {
        List<String> arguments = new ArrayList<>(List.of("-cert", name + "-cert.pem", "-key", name + "-key.pem"));
        arguments.addAll(List.of(more));
        return arguments.toArray(String[]::new);
    }

    private RecordingHandler refused(TlsSettings settings, String why, String... clientArguments) throws Exception {
        OpensslClient client = client(clientArguments);
        LayerChardev chardev = serve(settings);
        RecordingHandler front = fixture.front(chardev).grant(100);
        fixture.loop().until("refused", chardev::hasEnded);
        assertEquals(List.of(), front.events());
        assertTrue(fixture.log().get(0).contains(why), fixture.log().toString());
        fixture.loop().until("client told", () -> !client.process.isAlive());
        return front;
    }

    @ParameterizedTest
    @DisplayName("CH-14 TLS: openssl's client is served, in either version")
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void servesOpenssl(String version) throws Exception {
        OpensslClient client = client(withCertificate("client", version));
        LayerChardev chardev = serve(serverSettings("", null));
        RecordingHandler front = fixture.front(chardev).grant(1 << 20);
        fixture.loop().until("OPENED", () -> front.count(ChardevEvent.OPENED) == 1);

        client.write("from openssl\n");
        assertEquals(13, front.write("to openssl, x"));
        fixture.loop().until("received", () -> front.text().equals("from openssl\n"));
        fixture.loop().until("sent", () -> client.text().endsWith("to openssl, x"));

        client.process.getOutputStream().close();
        fixture.loop().until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == 1);
    }

    @Test
    @DisplayName("CH-14 TLS: a client without a certificate is refused, unless verify-peer=off")
    void wantsCertificate() throws Exception {
        refused(serverSettings("", null), "TLS handshake failed: No certificate was found");

        OpensslClient client = client();
        LayerChardev chardev =
                serve(new TlsSettings(credentials("lax", "endpoint=server,verify-peer=off"), null, null));
        RecordingHandler front = fixture.front(chardev).grant(100);
        client.write("hello");
        fixture.loop().until("received", () -> front.text().equals("hello"));
    }

    @Test
    @DisplayName("CH-14 TLS: a certificate of another CA, and one that was revoked, are refused")
    void refusesUntrustedCertificates() throws Exception {
        TlsSettings settings = serverSettings("", null);
        refused(
                settings,
                "TLS handshake failed: The certificate hasn't got a known issuer",
                withCertificate("stranger"));
        fixture.log().clear();
        refused(settings, "The certificate has been revoked", withCertificate("revoked"));
    }

    @Test
    @DisplayName("CH-14 TLS: authz-list decides by the certificate's name")
    void asksForAuthorization() throws Exception {
        Authorization others = (Authorization) object("authz-list,id=a,policy=allow,rules.0.match=C=GB*CN=client,"
                + "rules.0.policy=deny,rules.0.format=glob");
        refused(
                serverSettings("", others),
                "TLS x509 authz check for C=GB,O=Example\\, Ltd,CN=client is denied",
                withCertificate("client"));

        Authorization one = (Authorization) object("authz-simple,id=s,identity=C=GB,,O=Example\\,, Ltd,,CN=client");
        OpensslClient client = client(withCertificate("client"));
        LayerChardev chardev = serve(new TlsSettings(credentials("again", "endpoint=server"), one, null));
        RecordingHandler front = fixture.front(chardev).grant(100);
        client.write("hello");
        fixture.loop().until("received", () -> front.text().equals("hello"));
    }

    @Test
    @DisplayName("CH-14 TLS: with a list of who may connect, a client that nobody knows is refused")
    void refusesUnknownClientWhereThereIsAList() throws Exception {
        Authorization all = (Authorization) object("authz-list,id=a,policy=allow");
        refused(serverSettings(",verify-peer=off", all), "No certificate was found");
    }

    @Test
    @DisplayName("CH-14 TLS: only the versions that are asked for are spoken")
    void keepsToVersions() throws Exception {
        refused(
                serverSettings(",priority=NORMAL:-VERS-TLS1.2", null),
                "TLS handshake failed: ",
                withCertificate("client", "-tls1_2"));
    }

    // --- as a client

    private LayerChardev connect(String host, int port, String id, String options) throws Exception {
        TlsSettings settings = new TlsSettings(credentials(id, "endpoint=client" + options), null, host);
        Fd fd = Sockets.connectTcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        return fixture.serve(fd, lower -> TlsStream.over(lower, fixture.eventLoop(), "t", settings));
    }

    @Test
    @DisplayName("CH-14 TLS: openssl's server is spoken to, if its certificate is for the host")
    void speaksToOpenssl() throws Exception {
        int port = freePort();
        Path output = Files.createTempFile(folder, "s_server", ".out");
        Process server = new ProcessBuilder(
                        "openssl",
                        "s_server",
                        "-quiet",
                        "-accept",
                        "127.0.0.1:" + port,
                        "-cert",
                        "server-cert.pem",
                        "-key",
                        "server-key.pem",
                        "-CAfile",
                        "ca-cert.pem",
                        "-Verify",
                        "1",
                        "-verify_return_error")
                .directory(certificates.folder().toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            awaitListening(port);
            LayerChardev right = connect("localhost", port, "c1", "");
            RecordingHandler front = fixture.front(right).grant(100);
            fixture.loop().until("OPENED", () -> front.count(ChardevEvent.OPENED) == 1);
            front.write("to the server");
            server.getOutputStream().write("from the server\n".getBytes(StandardCharsets.ISO_8859_1));
            server.getOutputStream().flush();
            fixture.loop().until("received", () -> front.text().equals("from the server\n"));
            fixture.loop().until("sent", () -> read(output).endsWith("to the server"));
            right.close();

            LayerChardev wrong = connect("example.org", port, "c2", "");
            RecordingHandler none = fixture.front(wrong);
            fixture.loop().until("refused", wrong::hasEnded);
            assertEquals(List.of(), none.events());
            assertTrue(
                    fixture.log().get(0).contains("example.org"), fixture.log().toString());

            LayerChardev lax = connect("example.org", port, "c3", ",verify-peer=off");
            RecordingHandler some = fixture.front(lax);
            fixture.loop().until("OPENED", () -> some.count(ChardevEvent.OPENED) == 1);
        } finally {
            server.destroyForcibly().onExit().join();
            server.getOutputStream().close();
            server.getInputStream().close();
            server.getErrorStream().close();
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private void awaitListening(int port) {
        fixture.loop().until("the server listens", () -> {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return socket.isConnected();
            } catch (IOException e) {
                return false;
            }
        });
    }

    // --- much data, and none

    /** Java's own client, which blocks. */
    private final class JavaClient {
        private final Socket wire;
        private final SSLSocket socket;

        JavaClient() throws Exception {
            wire = fixture.connect();
            socket = certificates.client("client", wire);
        }
    }

    /** Has something that blocks done by another thread while the loop turns. */
    private <T> CompletableFuture<T> start(Callable<T> action) {
        CompletableFuture<T> done = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                done.complete(action.call());
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        return done;
    }

    private RecordingHandler agreed(JavaClient client, LayerChardev chardev) {
        CompletableFuture<Void> handshake = start(() -> {
            client.socket.startHandshake();
            return null;
        });
        RecordingHandler front = fixture.front(chardev);
        fixture.loop().until("agreed", () -> handshake.isDone() && front.count(ChardevEvent.OPENED) == 1);
        handshake.join();
        return front;
    }

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
    @DisplayName("CH-14 TLS: a client that leaves or talks nonsense in the middle of a handshake is let go")
    void survivesBrokenHandshakes() throws Exception {
        TlsSettings settings = serverSettings("", null);
        Socket leaves = fixture.connect();
        leaves.getOutputStream().write(new byte[] {22, 3, 1, 2, 0, 1, 0, 1, (byte) 0xfc, 3, 3});
        LayerChardev left = serve(settings);
        RecordingHandler nobody = fixture.front(left);
        fixture.loop().settle();
        assertFalse(left.hasEnded());
        leaves.close();
        fixture.loop().until("let go", left::hasEnded);
        assertEquals(List.of(), nobody.events());

        Socket plain = fixture.connect();
        plain.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
        LayerChardev confused = serve(settings);
        fixture.loop().until("refused", confused::hasEnded);
        assertTrue(
                fixture.log().get(0).contains("TLS handshake failed"),
                fixture.log().toString());
        fixture.loop().settle();
        assertEquals(21, plain.getInputStream().read(), "an alert");
    }

    @Test
    @DisplayName("CH-14 TLS: the arithmetic of a handshake does not run on the loop's thread")
    void keepsLoopFree() throws Exception {
        JavaClient client = new JavaClient();
        CountDownLatch released = new CountDownLatch(2);
        CompletableFuture<Void> busy = start(() -> {
            for (int i = 0; i < 2; i++) {
                HandshakeTasks.run(() -> {
                    try {
                        released.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
            }
            return null;
        });
        busy.join();
        LayerChardev chardev = serve(serverSettings("", null));
        RecordingHandler front = fixture.front(chardev);
        CompletableFuture<Void> handshake = start(() -> {
            client.socket.startHandshake();
            return null;
        });
        for (int i = 0; i < 50; i++) {
            fixture.loop().loop().turn(1);
        }
        assertEquals(List.of(), front.events(), "all threads for handshakes are taken");

        released.countDown();
        released.countDown();
        fixture.loop().until("agreed", () -> handshake.isDone() && front.count(ChardevEvent.OPENED) == 1);
    }

    @Test
    @DisplayName("CH-14 TLS: memory that vanishes while it is encrypted ends the connection and nothing else")
    void survivesLostMemory() throws Exception {
        JavaClient client = new JavaClient();
        LayerChardev chardev = serve(serverSettings("", null));
        RecordingHandler front = agreed(client, chardev);
        front.write("before");
        try (Fd file = Posix.memoryFile("guest", 65536);
                MappedMemory memory = MappedMemory.map(file, 0, 65536);
                IoVector data = new IoVector()) {
            Posix.resize(file, 0);
            data.add(memory.address(), 65536);
            // The virtual machine reports the error when it pleases, but before long.
            InternalError lost = assertThrows(InternalError.class, () -> {
                while (!chardev.hasEnded()) {
                    front.frontend().write(data);
                    for (int i = 0; i < 100_000; i++) {
                        Thread.onSpinWait();
                    }
                }
            });
            assertTrue(String.valueOf(lost.getMessage()).contains("memory"), lost.toString());
        }
        fixture.loop().until("ended", chardev::hasEnded);
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
        byte[] before = client.socket.getInputStream().readNBytes(6);
        assertEquals("before", new String(before, StandardCharsets.ISO_8859_1));
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
