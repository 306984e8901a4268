package org.vportd.chardev.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.OutputLog;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.layer.StreamProtocols;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;
import org.vportd.posix.VsockAddress;
import org.vportd.testing.OpenDescriptors;

/** Socket chardevs with protocols over them, with sockets that others hand in, and with the rarer addresses. */
class SocketFeaturesTest {
    private static final String UPGRADE = String.join(
            "\r\n",
            "GET / HTTP/1.1",
            "Host: localhost",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "",
            "");

    private final Map<String, Fd> passed = new HashMap<>();
    private final List<Fd> queued = new ArrayList<>();
    private final ChardevServices services = new ChardevServices() {
        @Override
        public @Nullable Object object(String id) {
            return Map.of("rng0", (Object) 4).get(id);
        }

        @Override
        public @Nullable Fd takeDescriptor(String name) {
            return passed.remove(name);
        }
    };

    @TempDir
    private Path folder;

    private String path = "";
    private ChardevFixture fixture;
    private Chardevs chardevs;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
        path = folder.resolve("s").toString();
        chardevs = fixture.closing(table(fixture.loop().loop()));
    }

    @AfterEach
    void close() throws Exception {
        passed.values().forEach(Fd::close);
        fixture.close();
    }

    private Chardevs table(EventLoop loop) {
        OutputLog.Type noLog = new OutputLog.Type() {
            @Override
            public Set<String> keys() {
                return Set.of();
            }

            @Override
            public @Nullable OutputLog open(EventLoop on, String id, Options options, ChardevServices with) {
                return null;
            }
        };
        return new Chardevs(loop, List.of(SocketChardev.TYPE), noLog, services);
    }

    private SocketChardev add(String options) throws ConfigException {
        return (SocketChardev) chardevs.add(Options.parse(options, "backend", warning -> {}));
    }

    private String refusal(String options) {
        return String.valueOf(
                assertThrows(ConfigException.class, () -> add(options)).getMessage());
    }

    private RecordingHandler front(Chardev chardev) {
        return fixture.attach(chardev).grant(1 << 30);
    }

    private Peer connect() throws IOException {
        return fixture.closing(new Peer(UnixAddress.ofPath(path).connect()));
    }

    private static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    private static int port(String filename) {
        return Integer.parseInt(filename.replaceAll("^[^0-9]*[0-9.]+:|[, ].*", ""));
    }

    private void until(RecordingHandler front, ChardevEvent event, int count) {
        fixture.loop().until(count + " " + event, () -> front.count(event) == count);
    }

    private Peer pair(List<Fd> ours) throws IOException {
        Fd[] pair = Sockets.pair();
        ours.add(pair[0]);
        return fixture.closing(new Peer(pair[1]));
    }

    // --- protocols

    @Test
    void shouldStackProtocolsInOrderAndOpenWhenTheLastIsReady() throws Exception {
        SocketChardev chardev = add("socket,id=c,server=on,wait=off,host=127.0.0.1,port=0,telnet=on,websocket=on");
        RecordingHandler front = front(chardev);
        assertTrue(chardev.filename().startsWith("disconnected:telnet:127.0.0.1:"), chardev.filename());
        String waiting = chardev.filename();
        Peer peer = fixture.closing(new Peer(Sockets.connectTcp(loopback(port(waiting)))));

        peer.write(UPGRADE.substring(0, 20));
        fixture.loop().settle();
        assertEquals(List.of(), front.events());
        assertEquals(waiting, chardev.filename());
        assertEquals(4, front.write("lost"));
        peer.write(UPGRADE.substring(20));
        until(front, ChardevEvent.OPENED, 1);
        assertTrue(
                chardev.filename().matches("telnet:127\\.0\\.0\\.1:[0-9]+,server=on <-> 127\\.0\\.0\\.1:[0-9]+"),
                chardev.filename());
        peer.write("\u0082\u0084\0\0\0\0a\u00ff\u00f3b"); // a frame with a break of telnet in it
        fixture.loop().until("data", () -> front.text().equals("ab"));
        front.write("kept");

        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.BREAK), front.events());
        assertTrue(peer.text().startsWith("HTTP/1.1 101 "), peer.text());
        assertTrue(
                peer.text().endsWith("\u0082\f\u00ff\u00fb\1\u00ff\u00fb\3\u00ff\u00fb\0\u00ff\u00fd\0\u0082\4kept"),
                peer.text());
        peer.close();
        until(front, ChardevEvent.CLOSED, 1);
    }

    @Test
    void shouldServeTheNextClientWhenHandshakeFailsAndSayNothing() throws Exception {
        RecordingHandler front = front(add("socket,id=c,server=on,wait=off,websocket=on,path=" + path));
        Peer wrong = connect();
        wrong.write("x\r\n\r\n");
        fixture.loop().until("dropped", wrong::isAtEnd);
        Peer hangsUp = connect();
        fixture.loop().settle();
        hangsUp.close();
        fixture.loop().settle();
        assertEquals(List.of(), front.events());

        Peer right = connect();
        right.write(UPGRADE);
        until(front, ChardevEvent.OPENED, 1);
        assertEquals(List.of("WARNING connection failed: chardev=c error=malformed request line"), fixture.log());
    }

    @Test
    void shouldDropClientThatDoesNotFinishTheHandshakeInTime() throws Exception {
        AtomicLong nowNs = new AtomicLong();
        try (EventLoop loop = EventLoop.open(nowNs::get);
                Chardevs table = table(loop)) {
            Chardev chardev = table.add(Options.parse(
                    "socket,id=c,server=on,wait=off,websocket=on,path=" + path, "backend", warning -> {}));
            RecordingHandler front = front(chardev);
            Peer silent = connect();
            Peer next = connect();
            next.write(UPGRADE);
            turn(loop);
            nowNs.addAndGet(TimeUnit.SECONDS.toNanos(StreamProtocols.HANDSHAKE_SECONDS) - 1);
            turn(loop);
            assertFalse(silent.isAtEnd());
            assertEquals(List.of(), front.events());

            nowNs.addAndGet(1);
            turn(loop);
            assertTrue(silent.isAtEnd());
            assertEquals(List.of(ChardevEvent.OPENED), front.events());
            nowNs.addAndGet(TimeUnit.SECONDS.toNanos(StreamProtocols.HANDSHAKE_SECONDS));
            turn(loop);
            assertEquals(List.of(ChardevEvent.OPENED), front.events());
            front.close();
        }
    }

    private static void turn(EventLoop loop) {
        for (int i = 0; i < 20; i++) {
            loop.turn(0);
        }
    }

    @Test
    @DisplayName("CH-35 a change to the same path with another protocol keeps the socket")
    void shouldChangeProtocolOnTheSamePath() throws Exception {
        RecordingHandler front = front(add("socket,id=c,server=on,wait=off,path=" + path));
        Peer peer = connect();
        peer.write(" waits");

        chardevs.change(
                "c", Options.parse("socket,server=on,wait=off,telnet=on,path=" + path, "backend", warning -> {}));
        until(front, ChardevEvent.OPENED, 1);

        fixture.loop().until("data", () -> front.text().equals(" waits"));
    }

    @Test
    void shouldShowTn3270AsTcp() throws Exception {
        String filename = add("socket,id=c,server=on,wait=off,tn3270=on,host=127.0.0.1,port=0")
                .filename();
        assertTrue(filename.startsWith("disconnected:tcp:127.0.0.1:"), filename);
        filename = add("socket,id=d,server=on,wait=off,websocket=on,host=127.0.0.1,port=0")
                .filename();
        assertTrue(filename.startsWith("disconnected:websocket:127.0.0.1:"), filename);
    }

    @Test
    @DisplayName("CH-14 combinations that are refused, in the order in which they are found")
    void shouldRefuseConflictingOptions() {
        String unix = "socket,id=c,path=/x,";
        String tcp = "socket,id=c,host=127.0.0.1,port=1,";
        assertEquals("No TLS credentials with id 'x'", refusal(unix + "tls-creds=x,wait=on"));
        assertEquals("Object with id 'rng0' is not TLS credentials", refusal(unix + "tls-creds=rng0"));
        assertEquals("'tls_authz' option requires 'tls_creds' option", refusal(tcp + "tls-authz=a,websocket=on"));
        assertEquals(
                "'reconnect' option is incompatible with socket in server listen mode",
                refusal(tcp + "server=on,reconnect=1,reconnect-ms=1"));
        assertEquals("Websocket client is not implemented", refusal(tcp + "websocket=on,wait=on"));
        assertEquals(
                "'wait' option is incompatible with socket in client connect mode",
                refusal(tcp + "wait=on,reconnect=1,reconnect-ms=1"));
        assertEquals(
                "'reconnect' and 'reconnect-ms' are mutually exclusive", refusal(tcp + "reconnect=1,reconnect-ms=1"));
        assertEquals("unix connect: no path specified", refusal("socket,id=c,path="));
        assertEquals("Failed to parse cid 'x'", refusal("socket,id=c,cid=x,port=1"));
        assertEquals("chardev: socket: no port given", refusal("socket,id=c,cid=1"));
    }

    @Test
    @DisplayName("CH-14 reconnect-ms is refused where reconnect is, by its own name, whatever its value")
    void shouldRefuseReconnectMsByItsName() {
        assertEquals(
                "'reconnect-ms' option is incompatible with socket in server listen mode",
                refusal("socket,id=c,server=on,wait=off,reconnect-ms=0,path=" + path));
        assertEquals(
                "'reconnect-ms' option is incompatible with 'fd' address type",
                refusal("socket,id=c,fd=none,reconnect-ms=10"));
    }

    @Test
    @DisplayName("CH-14 a port may be the name of a service of its protocol")
    void shouldFindPortsOfServices() {
        List<String> lines = List.of("# x 1/tcp", "", "ntp 123/udp", "x11\t6000/tcp  x11-0 # X 7/tcp", "odd 99999/tcp");
        assertEquals(123, ServicePorts.find(lines, "ntp", "udp").orElseThrow());
        assertEquals(6000, ServicePorts.find(lines, "x11-0", "tcp").orElseThrow());
        for (String unknown : List.of("ntp", "X", "odd", "6000/tcp", "x", "")) {
            assertTrue(ServicePorts.find(lines, unknown, "tcp").isEmpty(), unknown);
        }
        assertEquals(
                "address resolution failed for [::1]:no such: Servname not supported for ai_socktype",
                refusal("socket,id=c,server=on,host=::1,port=no such"));
        assertEquals("Parameter 'port' expects a number", refusal("socket,id=c,host=::1,port="));
    }

    @Test
    @DisplayName("CH-14 an address of the family that was refused is not called unknown")
    void shouldTellWhenTheFamilyDoesNotFit() {
        assertEquals(
                "address resolution failed for 127.0.0.1:1: Address family for hostname not supported",
                refusal("socket,id=c,host=127.0.0.1,port=1,ipv4=off"));
    }

    @Test
    @DisplayName("CH-10 on the command line a socket is a client unless told otherwise, and a server waits")
    void shouldHaveTheDefaultsOfTheCommandLine() throws Exception {
        assertEquals(
                "Failed to connect to '" + path + "': No such file or directory", refusal("socket,id=c,path=" + path));
        assertTrue(add("socket,id=c,server=on,path=" + path).isAwaited());
    }

    // --- clients that others hand in

    @Test
    @DisplayName("CH-20 add_client on a server: served while nobody is connected, refused otherwise")
    void shouldTakeClientFromElsewhere() throws Exception {
        SocketChardev chardev = add("socket,id=c,server=on,wait=off,path=" + path);
        RecordingHandler front = front(chardev);
        List<Fd> ours = new ArrayList<>();
        Peer first = pair(ours);
        chardev.addClient(ours.get(0));
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
        first.write("in");
        fixture.loop().until("data", () -> front.text().equals("in"));

        Peer refused = pair(ours);
        ConfigException refusal = assertThrows(ConfigException.class, () -> chardev.addClient(ours.get(1)));
        assertEquals("failed to add client", refusal.getMessage());
        assertTrue(refused.isAtEnd());
        Peer waits = connect();
        waits.write(" waits");
        fixture.loop().settle();
        assertEquals("in", front.text());

        first.close();
        until(front, ChardevEvent.OPENED, 2);
        fixture.loop().until("data", () -> front.text().equals("in waits"));
    }

    @Test
    @DisplayName("CH-20 add_client on a client, in place of the attempts to connect")
    void shouldTakeClientInsteadOfConnecting() throws Exception {
        SocketChardev chardev = add("socket,id=c,reconnect-ms=5,path=" + path);
        RecordingHandler front = front(chardev);
        List<Fd> ours = new ArrayList<>();
        Peer handedIn = pair(ours);
        chardev.addClient(ours.get(0));
        Fd listener = fixture.closing(UnixAddress.ofPath(path).listen(1));
        for (int i = 0; i < 5; i++) {
            fixture.loop().loop().turn(5);
        }
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        handedIn.close();
        until(front, ChardevEvent.OPENED, 2);
        Fd connection = Objects.requireNonNull(Sockets.accept(listener));
        connection.close();
    }

    @Test
    void shouldGiveUpAttemptForClientFromElsewhereAndTryAgainAfterwards() throws Exception {
        Fd listener = fullListener();
        int port = Objects.requireNonNull(Sockets.localAddress(listener)).getPort();
        SocketChardev chardev = add("socket,id=c,reconnect-ms=5,host=127.0.0.1,port=" + port);
        RecordingHandler front = front(chardev);
        fixture.loop().settle();
        chardev.disconnect();
        fixture.loop().loop().turn(20);
        List<Fd> ours = new ArrayList<>();
        pair(ours);
        chardev.addClient(ours.get(0));
        queued.forEach(Fd::close);
        for (Fd waiting = Sockets.accept(listener); waiting != null; waiting = Sockets.accept(listener)) {
            waiting.close();
        }
        for (int i = 0; i < 5; i++) {
            fixture.loop().loop().turn(5);
        }
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        chardev.disconnect();
        until(front, ChardevEvent.OPENED, 2);
        assertTrue(chardev.filename().endsWith(" <-> 127.0.0.1:" + port), chardev.filename());
    }

    /** Its queue is full: who connects is neither served nor refused. */
    private Fd fullListener() throws IOException {
        Fd listener = fixture.closing(Sockets.listenTcp(loopback(0), 0));
        int port = Objects.requireNonNull(Sockets.localAddress(listener)).getPort();
        for (int i = 0; i < 4; i++) {
            queued.add(fixture.closing(Sockets.connectTcp(loopback(port))));
        }
        return listener;
    }

    @Test
    @DisplayName("CH-20 add_client refuses what is no connection")
    void shouldRefuseDescriptorsThatAreNoConnection() throws Exception {
        SocketChardev chardev = add("socket,id=c,server=on,wait=off,path=" + path);
        List<Fd> useless = List.of(Posix.open("/dev/null", Posix.O_RDWR, 0), Sockets.listenTcp(loopback(0), 1));
        for (Fd fd : useless) {
            ConfigException refusal = assertThrows(ConfigException.class, () -> chardev.addClient(fd));
            assertEquals("failed to add client", refusal.getMessage());
            assertFalse(fd.isOpen());
        }
    }

    @Test
    @DisplayName("CH-20 a server with an empty descriptor name has no socket of its own")
    void shouldServeWhoIsHandedInOnly() throws Exception {
        SocketChardev chardev = add("socket,id=c,server=on,wait=off,telnet=on,fd=");
        assertEquals("disconnected:fd:,server=on", chardev.filename());
        RecordingHandler front = front(chardev);
        List<Fd> ours = new ArrayList<>();
        for (int i = 1; i <= 2; i++) {
            Peer peer = pair(ours);
            chardev.addClient(ours.get(i - 1));
            peer.write("t");
            until(front, ChardevEvent.OPENED, i);
            peer.close();
            until(front, ChardevEvent.CLOSED, i);
        }
    }

    @Test
    void shouldDisconnectOnDemandAndServeTheNext() throws Exception {
        SocketChardev chardev = add("socket,id=c,server=on,wait=off,path=" + path);
        RecordingHandler front = front(chardev);
        chardev.disconnect();
        Peer stuck = connect();
        until(front, ChardevEvent.OPENED, 1);

        chardev.disconnect();
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
        assertTrue(stuck.isAtEnd());
        connect();
        until(front, ChardevEvent.OPENED, 2);
    }

    @Test
    void shouldTakeDescriptorsByName() throws Exception {
        passed.put("listener", UnixAddress.ofPath(path).listen(1));
        RecordingHandler front = front(add("socket,id=c,server=on,wait=off,fd=listener"));
        assertEquals(
                "disconnected:fd:listener,server=on",
                chardevs.all().iterator().next().filename());
        connect();
        until(front, ChardevEvent.OPENED, 1);

        List<Fd> ours = new ArrayList<>();
        pair(ours);
        passed.put("connection", ours.get(0));
        assertTrue(add("socket,id=d,fd=connection").isOpen());
        assertEquals("File descriptor named 'connection' has not been found", refusal("socket,id=e,fd=connection"));

        Fd file = Posix.open("/dev/null", Posix.O_RDWR, 0);
        passed.put("file", file);
        assertEquals("File descriptor 'file' is not a socket", refusal("socket,id=e,fd=file"));
        assertFalse(file.isOpen());
        assertEquals("Parameter 'fd' expects a number", refusal("socket,id=e,fd=3x"));
    }

    @Test
    @DisplayName("CH-12 a listening TCP socket that is passed shows where it listens")
    void shouldShowWherePassedSocketListens() throws Exception {
        Fd listener = Sockets.listenTcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
        int port = Objects.requireNonNull(Sockets.localAddress(listener)).getPort();
        passed.put("listener", listener);
        assertEquals(
                "disconnected:tcp:127.0.0.1:" + port + ",server=on",
                add("socket,id=c,server=on,wait=off,fd=listener").filename());
    }

    @Test
    @DisplayName("CH-14 what does not go with a passed socket is said before it is looked for")
    void shouldCheckOptionsBeforePassedSocket() {
        assertEquals(
                "'reconnect' option is incompatible with 'fd' address type",
                refusal("socket,id=c,fd=none,reconnect=1"));
        assertEquals("File descriptor named '' has not been found", refusal("socket,id=c,fd="));
    }

    @Test
    @DisplayName("CH-14 keep-alive is for the connections of a server, too")
    void shouldKeepConnectionsOfServerAlive() throws Exception {
        SocketChardev server = add("socket,id=c,server=on,wait=off,keep-alive=on,host=127.0.0.1,port=0");
        RecordingHandler front = front(server);
        add("socket,id=d,keep-alive=on,keep-alive-idle=60,keep-alive-interval=5,keep-alive-count=3,host=127.0.0.1,port="
                + port(server.filename()));
        until(front, ChardevEvent.OPENED, 1);
        assertEquals(
                "Parameter 'keep-alive-count' expects a number from 0 to 127",
                refusal("socket,id=e,keep-alive-count=128,host=127.0.0.1,port=1"));
    }

    // --- rarer addresses

    @Test
    void shouldMakeTemporaryFileWhenPathIsEmpty() throws Exception {
        SocketChardev chardev = add("socket,id=c,server=on,wait=off,path=");
        RecordingHandler front = front(chardev);
        String made = chardev.filename().replaceAll("disconnected:unix:|,server=on", "");
        assertTrue(made.contains("/vportd-socket-"), made);
        fixture.closing(UnixAddress.ofPath(made).connect());
        until(front, ChardevEvent.OPENED, 1);

        Chardev successor =
                chardevs.change("c", Options.parse("socket,server=on,wait=off,path=", "backend", warning -> {}));
        assertEquals("disconnected:unix:" + made + ",server=on", successor.filename());
        front.frontend().detach();
        chardevs.remove("c");

        assertFalse(Files.exists(Path.of(made)));
    }

    @Test
    void shouldSpeakMptcpAndKeepAliveWhereTheKernelCan() throws Exception {
        SocketChardev server;
        try {
            server = add("socket,id=c,server=on,wait=off,mptcp=on,host=127.0.0.1,port=0");
        } catch (ConfigException e) {
            assertEquals("Failed to find an available port: Protocol not supported", e.getMessage());
            return;
        }
        RecordingHandler front = front(server);
        int port = port(server.filename());
        SocketChardev client = add("socket,id=d,mptcp=on,keep-alive=on,numeric=on,host=127.0.0.1,port=" + port);
        until(front, ChardevEvent.OPENED, 1);
        front(client).write("over many paths");
        fixture.loop().until("data", () -> front.text().equals("over many paths"));
    }

    @Test
    void shouldNotAskForNamesWhenNumeric() {
        assertEquals(
                "address resolution failed for localhost:1: Name or service not known",
                refusal("socket,id=c,host=localhost,port=1,numeric=on"));
    }

    @Test
    void shouldListenAtVsockWhereTheKernelHasIt() throws Exception {
        String any = "socket,id=c,server=on,wait=off,cid=4294967295,port=52417";
        boolean supported = true;
        try {
            new VsockAddress(-1, 52418).listen(1).close();
        } catch (IOException e) {
            supported = false;
        }
        if (supported) {
            assertEquals("disconnected:vsock:4294967295:52417,server=on", add(any).filename());
            chardevs.change("c", Options.parse(any.replace("id=c,", ""), "backend", warning -> {}));
            String unreachable = refusal("socket,id=d,cid=1,port=1");
            assertTrue(unreachable.startsWith("Failed to connect to '1:1': "), unreachable);
        } else {
            assertEquals("socket family AF_VSOCK unsupported", refusal(any));
            assertEquals("socket family AF_VSOCK unsupported", refusal("socket,id=d,cid=2,port=1"));
        }
    }

    @Test
    void shouldNotHoldUpRunningLoopForLong() throws Exception {
        int port = Objects.requireNonNull(Sockets.localAddress(fullListener())).getPort();
        AtomicReference<String> refusal = new AtomicReference<>("");
        AtomicLong tookNs = new AtomicLong();
        try (EventLoop loop = EventLoop.open();
                Chardevs table = table(loop)) {
            loop.post(() -> {
                long start = System.nanoTime();
                ConfigException refused = assertThrows(
                        ConfigException.class,
                        () -> table.add(
                                Options.parse("socket,id=c,host=127.0.0.1,port=" + port, "backend", warning -> {})));
                tookNs.set(System.nanoTime() - start);
                refusal.set(String.valueOf(refused.getMessage()));
                loop.stop();
            });
            loop.run();
        }
        assertEquals("Failed to connect to '127.0.0.1:" + port + "': Connection timed out", refusal.get());
        assertTrue(tookNs.get() < TimeUnit.SECONDS.toNanos(5), "ns=" + tookNs);
    }

    @Test
    void shouldLeaveNothingBehindWhenRefused() throws Exception {
        long before = OpenDescriptors.count();
        for (int i = 0; i < 20; i++) {
            passed.put("l", UnixAddress.ofAbstract("vportd-refused-" + i, true).listen(1));
            refusal("socket,id=c,fd=l");
        }
        OpenDescriptors.assertNoneSince(before);
    }
}
