package org.vportd.daemon;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The packaged daemon between a simulated guest that sends everything back, and programs that others have written. */
@Timeout(120)
class PeersIT {
    private static final Path PYTHON = Path.of("src", "test", "python").toAbsolutePath();
    private static final int PORT = 1;
    private static final String TEXT = "hello, whoever is there";

    @TempDir
    private Path folder;

    private @Nullable ForeignProgram daemon;
    private @Nullable EchoGuest guest;
    private int port;
    private int remotePort;

    @BeforeEach
    void choosePorts() throws IOException {
        InetAddress here = InetAddress.getLoopbackAddress();
        try (ServerSocket one = new ServerSocket(0, 1, here);
                ServerSocket other = new ServerSocket(0, 1, here)) {
            port = one.getLocalPort();
            remotePort = other.getLocalPort();
        }
    }

    @AfterEach
    void stop() throws Exception {
        if (guest != null) {
            guest.close();
        }
        if (daemon != null) {
            daemon.close();
        }
    }

    private Path socket() {
        return folder.resolve("v.sock");
    }

    /** Starts the daemon and its guest; DIR and PORT in the options stand for a folder and a free port. */
    private EchoGuest start(String... options) throws Exception {
        String[] filled = new String[options.length];
        for (int i = 0; i < options.length; i++) {
            filled[i] = options[i].replace("DIR", folder.toString()).replace("PORT", String.valueOf(port));
        }
        daemon = ForeignProgram.daemon(socket(), filled);
        guest = new EchoGuest(socket(), 4);
        return guest;
    }

    private ForeignProgram said() {
        return Objects.requireNonNull(daemon);
    }

    private EchoGuest startChannel(String chardev) throws Exception {
        return start("-chardev", chardev, "-device", "virtserialport,chardev=c,nr=1");
    }

    /** What a program sends comes to the guest and back; the guest sees it come and go. */
    private void echoesFor(EchoGuest echo, String... command) throws Exception {
        try (ForeignProgram peer = ForeignProgram.start(command)) {
            echo.awaitHostOpen(PORT, true);
            peer.send(TEXT + "\n");
            peer.await(TEXT);
            peer.endInput();
            assertEquals(0, peer.exitStatus(), peer::toString);
        }
        echo.awaitHostOpen(PORT, false);
        assertEquals(TEXT + "\n", echo.received(PORT));
        echo.forget(PORT);
    }

    @Test
    @DisplayName("CH-16 CH-17 telnet(1): negotiation stays out of the data, 0xff passes both ways, break and end")
    void telnet() throws Exception {
        EchoGuest echo = startChannel("socket,id=c,host=127.0.0.1,port=PORT,server=on,wait=off,telnet=on");
        try (ForeignProgram telnet = ForeignProgram.start("telnet", "-8", "127.0.0.1", String.valueOf(port))) {
            telnet.await("Escape character is");
            echo.awaitHostOpen(PORT, true);
            telnet.send(TEXT + "\u00ff.\n");
            telnet.await(TEXT + "\u00ff.");
            telnet.send("\u001dsend brk\n");
            echo.until(
                    "telnet is back from its prompt",
                    () -> { // which swallows what is typed too early
                        telnet.send("again\n");
                        return telnet.output().contains("again");
                    });
            String got = echo.received(PORT).replace("\r", "");
            String data = TEXT + "\u00ff.\n";
            assertTrue((data + "again\n".repeat(got.length())).startsWith(got) && got.startsWith(data), got);
            telnet.send("\u001dquit\n");
            assertEquals(0, telnet.exitStatus(), telnet::toString);
        }
        echo.awaitHostOpen(PORT, false);
    }

    @Test
    @DisplayName("CH-09 CH-11 CH-19 socat: one client after the other at UNIX sockets, in the file system and abstract")
    void socatUnix() throws Exception {
        EchoGuest echo = startChannel("socket,id=c,path=DIR/c.sock,server=on,wait=off");
        echoesFor(echo, "socat", "-t10", "-", "UNIX-CONNECT:" + folder.resolve("c.sock"));
        echoesFor(echo, "socat", "-t10", "-", "UNIX-CONNECT:" + folder.resolve("c.sock"));
    }

    @Test
    @DisplayName("CH-19 socat: an abstract socket has the exact name")
    void socatAbstract() throws Exception {
        String name = "vportd-peers-" + ProcessHandle.current().pid();
        EchoGuest echo = startChannel("socket,id=c,path=" + name + ",abstract=on,server=on,wait=off");
        echoesFor(echo, "socat", "-t10", "-", "ABSTRACT-CONNECT:" + name);
    }

    @Test
    @DisplayName("CH-12 CH-13 socat: TCP as server and, trying again, as client")
    void socatTcp() throws Exception {
        EchoGuest echo = start(
                "-chardev",
                "socket,id=c,host=127.0.0.1,port=PORT,reconnect-ms=100",
                "-device",
                "virtserialport,chardev=c,nr=1",
                "-chardev",
                "socket,id=s,host=::1,port=0,ipv6=on,server=on,wait=off",
                "-device",
                "virtserialport,chardev=s,nr=2",
                "-qmp",
                "unix:DIR/qmp,server=on,wait=off");
        said().await("Unable to connect character device c: Failed to connect to '127.0.0.1:" + port + "'");
        echoesFor(echo, "socat", "-t10", "-", "TCP4-LISTEN:" + port + ",reuseaddr");
        String filename = filename("s");
        Matcher bound =
                Pattern.compile("disconnected:tcp:\\[::1]:(\\d+),server=on").matcher(filename);
        assertTrue(bound.matches(), filename);
        try (ForeignProgram peer = ForeignProgram.start("socat", "-t10", "-", "TCP6:[::1]:" + bound.group(1))) {
            echo.awaitHostOpen(2, true);
            peer.send(TEXT);
            peer.await(TEXT);
        }
        echo.awaitHostOpen(2, false);
    }

    /** Asks a monitor at DIR/qmp. */
    private String filename(String id) throws IOException {
        try (SocketChannel monitor = SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("qmp")))) {
            monitor.write(UTF_8.encode("{'execute': 'qmp_capabilities'} {'execute': 'query-chardev'}"));
            StringBuilder answer = new StringBuilder();
            ByteBuffer buffer = ByteBuffer.allocate(65536);
            while (answer.indexOf("\"label\"") < 0 || answer.charAt(answer.length() - 1) != '\n') {
                assertTrue(monitor.read(buffer.clear()) > 0, answer::toString);
                answer.append(UTF_8.decode(buffer.flip()));
            }
            Matcher entry =
                    Pattern.compile("\\{[^{}]*\"label\": \"" + id + "\"[^{}]*}").matcher(answer);
            assertTrue(entry.find(), answer::toString);
            Matcher name = Pattern.compile("\"filename\": \"([^\"]*)\"").matcher(entry.group());
            assertTrue(name.find(), answer::toString);
            return name.group(1);
        }
    }

    @Test
    @DisplayName("CH-07 socat: a terminal is connected while somebody has it open")
    void socatPty() throws Exception {
        EchoGuest echo = startChannel("pty,id=c,path=DIR/pty");
        echoesFor(echo, "socat", "-t0.2", "-", folder.resolve("pty") + ",rawer");
        echoesFor(echo, "socat", "-t0.2", "-", folder.resolve("pty") + ",rawer");
    }

    @Test
    @DisplayName("CH-04 socat: datagrams to a console and back")
    void socatUdp() throws Exception {
        EchoGuest echo = start(
                "-chardev",
                "udp,id=c,host=127.0.0.1,port=" + remotePort + ",localaddr=127.0.0.1,localport=PORT",
                "-device",
                "virtconsole,chardev=c,nr=1");
        echo.until("the console is there", () -> echo.isPresent(PORT));
        try (ForeignProgram peer =
                ForeignProgram.start("socat", "-", "UDP4:127.0.0.1:" + port + ",bind=127.0.0.1:" + remotePort)) {
            peer.send(TEXT);
            echo.awaitReceived(PORT, TEXT);
            peer.await(TEXT);
        }
    }

    @Test
    @DisplayName("CH-06 cat: named pipes, which stay when readers and writers go")
    void catPipes() throws Exception {
        Path in = folder.resolve("p.in");
        Path out = folder.resolve("p.out");
        try (ForeignProgram mkfifo = ForeignProgram.start("mkfifo", in.toString(), out.toString())) {
            assertEquals(0, mkfifo.exitStatus(), mkfifo::toString);
        }
        EchoGuest echo = startChannel("pipe,id=c,path=DIR/p");
        try (ForeignProgram reader = ForeignProgram.start("cat", out.toString())) {
            for (String line : List.of("first\n", "second\n")) {
                try (ForeignProgram writer = ForeignProgram.start("dd", "status=none", "of=" + in)) {
                    writer.send(line);
                    writer.endInput();
                    assertEquals(0, writer.exitStatus(), writer::toString);
                }
                reader.await(line);
            }
        }
        assertEquals("first\nsecond\n", echo.received(PORT));
    }

    @Test
    @DisplayName("CH-14 openssl s_client: who may connect to a TLS server, and what is said of who may not")
    void tlsServer() throws Exception {
        TestCertificates certificates = new TestCertificates(folder);
        Path ours = certificates.credentials("server", "server");
        EchoGuest echo = start(
                "-object",
                "tls-creds-x509,id=t,endpoint=server,verify-peer=on,dir=" + ours,
                "-object",
                "{\"qom-type\": \"authz-list\", \"id\": \"who\", \"policy\": \"deny\", \"rules\": "
                        + "[{\"match\": \"O=Test,CN=alice\", \"policy\": \"allow\"}]}",
                "-chardev",
                "socket,id=c,host=127.0.0.1,port=PORT,server=on,wait=off,tls-creds=t,tls-authz=who",
                "-device",
                "{\"driver\": \"virtserialport\", \"chardev\": \"c\", \"nr\": 1, \"bus\": \"virtio-serial0.0\"}");
        refused(certificates, "", "chardev=c error=TLS handshake failed: No certificate was found");
        refused(certificates, "stranger", "TLS handshake failed: The certificate hasn't got a known issuer");
        refused(certificates, "bob", "TLS x509 authz check for O=Test,CN=bob is denied");
        try (ForeignProgram alice = client(certificates, "alice")) {
            echo.awaitHostOpen(PORT, true);
            alice.send(TEXT + "\n");
            alice.await(TEXT);
        }
        echo.awaitHostOpen(PORT, false);
        assertEquals(TEXT + "\n", echo.received(PORT));
    }

    private ForeignProgram client(TestCertificates certificates, String name) throws IOException {
        String authority = certificates.pem("ca");
        String address = "127.0.0.1:" + port;
        return name.isEmpty()
                ? ForeignProgram.start("openssl", "s_client", "-quiet", "-CAfile", authority, "-connect", address)
                : ForeignProgram.start(
                        "openssl",
                        "s_client",
                        "-quiet",
                        "-verify_return_error",
                        "-CAfile",
                        authority,
                        "-cert",
                        certificates.pem(name),
                        "-key",
                        certificates.key(name),
                        "-connect",
                        address);
    }

    private void refused(TestCertificates certificates, String name, String text) throws Exception {
        try (ForeignProgram client = client(certificates, name)) {
            said().await(text);
            int unused = client.exitStatus(); // what it is differs between versions
        }
    }

    @Test
    @DisplayName("CH-13 CH-14 openssl s_server: a TLS client that tries again, and does not talk to a stranger")
    void tlsClient() throws Exception {
        TestCertificates certificates = new TestCertificates(folder);
        Path ours = certificates.credentials("client", "alice");
        EchoGuest echo = start(
                "-object",
                "tls-creds-x509,id=t,endpoint=client,dir=" + ours,
                "-chardev",
                "socket,id=c,host=localhost,ipv4=on,port=PORT,reconnect-ms=100,tls-creds=t",
                "-device",
                "virtserialport,chardev=c,nr=1");
        said().await("Unable to connect character device c");
        try (ForeignProgram server = server(certificates, "server")) {
            echo.awaitHostOpen(PORT, true);
            server.send(TEXT + "\n");
            server.await(TEXT);
        }
        echo.awaitHostOpen(PORT, false);
        assertEquals(TEXT + "\n", echo.received(PORT));
        try (ForeignProgram stranger = server(certificates, "stranger")) {
            stranger.await("alert"); // as often as it is tried
            assertFalse(echo.isHostOpen(PORT));
        }
    }

    private ForeignProgram server(TestCertificates certificates, String name) throws IOException {
        return ForeignProgram.start(
                "openssl",
                "s_server",
                "-quiet",
                "-accept",
                "127.0.0.1:" + port,
                "-cert",
                certificates.pem(name),
                "-key",
                certificates.key(name),
                "-CAfile",
                certificates.pem("ca"),
                "-Verify",
                "1");
    }

    /** What a WebSocket hears, as text. */
    private static final class Heard implements WebSocket.Listener {
        private final BlockingQueue<String> things = new LinkedBlockingQueue<>();

        @Override
        public @Nullable CompletionStage<?> onBinary(WebSocket from, ByteBuffer data, boolean last) {
            things.add("data " + ISO_8859_1.decode(data));
            from.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onPong(WebSocket from, ByteBuffer data) {
            things.add("pong " + ISO_8859_1.decode(data));
            from.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onClose(WebSocket from, int status, String reason) {
            things.add("close " + status);
            return null;
        }

        void expect(String thing) throws InterruptedException {
            assertEquals(thing, things.poll(20, TimeUnit.SECONDS));
        }
    }

    private WebSocket open(String path, WebSocket.Listener listener) {
        return HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .subprotocols("binary")
                .buildAsync(URI.create("ws://127.0.0.1:" + port + path), listener)
                .join();
    }

    @Test
    @DisplayName("CH-18 the JDK's WebSocket client: handshake, data, ping, and the ends that text and the peer make")
    void webSocket() throws Exception {
        EchoGuest echo = startChannel("socket,id=c,host=127.0.0.1,port=PORT,server=on,wait=off,websocket=on");
        Heard first = new Heard();
        WebSocket client = open("/", first);
        assertEquals("binary", client.getSubprotocol());
        echo.awaitHostOpen(PORT, true);
        client.sendBinary(ISO_8859_1.encode(TEXT), true).join();
        first.expect("data " + TEXT);
        client.sendPing(ISO_8859_1.encode("?")).join();
        first.expect("pong ?");
        client.sendText("not for a channel", true).join();
        first.expect("close 1003");
        echo.awaitHostOpen(PORT, false);

        WebSocket second = open("/", new Heard());
        echo.awaitHostOpen(PORT, true);
        second.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
        echo.awaitHostOpen(PORT, false);
        CompletionException failure = assertThrows(CompletionException.class, () -> open("/elsewhere", new Heard()));
        WebSocketHandshakeException refusal = assertInstanceOf(WebSocketHandshakeException.class, failure.getCause());
        assertEquals(404, refusal.getResponse().statusCode());
        assertEquals(TEXT, echo.received(PORT));
    }

    @Test
    @DisplayName("QMP-05 QMP-13 QMP-14 QMP-15 CH-20 python3: two monitors, descriptors, a deaf client, quit")
    void qmp() throws Exception {
        Path terminal = folder.resolve("terminal");
        start(
                "-name",
                "foreign",
                "-chardev",
                "socket,id=chan,path=DIR/chan,server=on,wait=off",
                "-device",
                "virtserialport,chardev=chan,nr=1",
                "-chardev",
                "pty,id=p,path=" + terminal,
                "-qmp",
                "unix:DIR/qmp,server=on,wait=off",
                "-qmp",
                "tcp:127.0.0.1:PORT,server=on,wait=off");
        assertTrue(Files.isSymbolicLink(terminal));
        try (ForeignProgram python = ForeignProgram.start(
                "python3",
                PYTHON.resolve("qmp_peer.py").toString(),
                folder.resolve("qmp").toString(),
                String.valueOf(port))) {
            assertEquals(0, python.exitStatus(), () -> python + "\n" + daemon);
        }
        assertEquals(0, said().exitStatus(), said()::toString);
        for (String name : List.of("v.sock", "chan", "qmp", "terminal")) {
            assertFalse(Files.exists(folder.resolve(name), LinkOption.NOFOLLOW_LINKS), name + " is left behind");
        }
    }

    @Test
    @DisplayName(
            "CH-22 CH-24 QMP-14 a terminal shared by console and monitor; Ctrl-A x ends, the terminal is as before")
    void terminal() throws Exception {
        try (ForeignProgram python = ForeignProgram.start(
                "python3",
                PYTHON.resolve("terminal_peer.py").toString(),
                Path.of("target", "vportd", "bin", "vportd").toAbsolutePath().toString(),
                "--socket-path=" + socket(),
                "-virtioconsole",
                "mon:stdio")) {
            python.await("ready");
            try (EchoGuest echo = new EchoGuest(socket(), 1)) {
                echo.awaitHostOpen(0, true);
                python.send("\n");
                assertEquals(0, python.exitStatus(), python::toString);
                assertEquals("typed\u0003again", echo.received(0));
            }
        }
        assertFalse(Files.exists(socket()));
    }
}
