package org.vportd.chardev.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.secure.Authorization;
import org.vportd.posix.Fd;
import org.vportd.posix.Sockets;

/** Who gets a connection and who does not, with {@code openssl} at the other end. */
class TlsHandshakeTest extends TlsFixture {
    @BeforeAll
    static void makeUnwelcomeCertificates() throws Exception {
        certificates.authority("other", "/CN=Other CA");
        certificates.issue("stranger", "other", "/CN=stranger", 10, "extendedKeyUsage=clientAuth");
        certificates.issue("revoked", "ca", "/CN=revoked", 10, "extendedKeyUsage=clientAuth");
        certificates.revoke("revoked");
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
}
