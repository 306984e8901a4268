package org.vportd.chardev.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
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
import org.vportd.chardev.HandoverRig;
import org.vportd.chardev.Options;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.chardev.secure.Certificates;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.posix.Sockets;

/** Sockets that speak TLS, with objects as the user makes them. */
class TlsSocketTest {
    @TempDir
    private static Path folder;

    private static Certificates certificates;

    private final UserObjects objects = new UserObjects();
    private ChardevFixture fixture;
    private Chardevs chardevs;

    @BeforeAll
    static void makeCertificates() throws Exception {
        certificates = Certificates.usualIn(folder);
    }

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
        chardevs = fixture.closing(BuiltinTypes.table(fixture.loop().loop(), new ChardevServices() {
            @Override
            public @Nullable Object object(String id) {
                return objects.find(id);
            }
        }));
        object("tls-creds-x509,id=ours,endpoint=server,dir=" + certificates.folder());
        object("tls-creds-x509,id=theirs,endpoint=client,dir=" + certificates.folder());
        object("authz-simple,id=nobody,identity=CN=nobody");
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private void object(String options) throws ConfigException {
        objects.add(Options.parse(options, UserObjects.IMPLIED_KEY, warning -> {}));
    }

    private Chardev add(String options) throws ConfigException {
        return chardevs.add(Options.parse(options, "backend", warning -> {}));
    }

    private String refusal(String options) {
        return String.valueOf(
                assertThrows(ConfigException.class, () -> add(options)).getMessage());
    }

    private static int port(Chardev server) {
        return Integer.parseInt(server.filename().replaceAll("^[^0-9]*[0-9.]+:|[, ].*", ""));
    }

    private void until(RecordingHandler front, ChardevEvent event, int count) {
        fixture.loop().until(count + " " + event, () -> front.count(event) == count);
    }

    @Test
    void shouldCarryBytesBetweenServerAndClient() throws Exception {
        Chardev server = add("socket,id=s,server=on,wait=off,host=127.0.0.1,port=0,tls-creds=ours");
        RecordingHandler inside = fixture.attach(server).grant(1000);
        Peer garbage = fixture.closing(
                new Peer(Sockets.connectTcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), port(server)))));
        garbage.write("no TLS at all");
        fixture.loop().until("dropped", garbage::isAtEnd);
        garbage.close();

        Chardev client = add("socket,id=c,ipv4=on,host=localhost,tls-creds=theirs,port=" + port(server));
        RecordingHandler outside = fixture.attach(client).grant(1000);
        until(inside, ChardevEvent.OPENED, 1);
        until(outside, ChardevEvent.OPENED, 1);
        inside.write("from the server");
        outside.write("from the client");
        fixture.loop().until("data", () -> outside.text().equals("from the server"));
        fixture.loop().until("data", () -> inside.text().equals("from the client"));
        ConfigException used = assertThrows(ConfigException.class, () -> objects.remove("ours"));
        assertEquals("object 'ours' is in use, can not be deleted", used.getMessage());
        outside.frontend().detach();
        chardevs.remove("c");
        until(inside, ChardevEvent.CLOSED, 1);
        objects.remove("theirs");
        inside.frontend().detach();
        chardevs.remove("s");
        objects.remove("ours");
        fixture.loop().settle();
    }

    @Test
    void shouldServeOnlyWhoIsAllowed() throws Exception {
        Chardev server = add("socket,id=s,server=on,wait=off,host=127.0.0.1,port=0,tls-creds=ours,tls-authz=nobody");
        RecordingHandler inside = fixture.attach(server).grant(1000);
        Chardev client = add("socket,id=c,ipv4=on,host=localhost,tls-creds=theirs,port=" + port(server));
        RecordingHandler outside = fixture.attach(client);

        fixture.loop().until("refused", () -> fixture.log().stream().anyMatch(line -> line.contains("authz check")));
        until(outside, ChardevEvent.CLOSED, 1); // in TLS 1.3 a client is done before the server has made up its mind
        fixture.loop().settle();

        assertFalse(client.isOpen());
        assertTrue(server.filename().startsWith("disconnected:tcp:"), server.filename());
        assertEquals(List.of(), inside.events());
    }

    @Test
    @DisplayName("CH-13 a client that tries again says once why TLS does not come about")
    void shouldLogFailingHandshakesOncePerOutage() throws Exception {
        Chardev plain = add("socket,id=s,server=on,wait=off,host=127.0.0.1,port=0");
        RecordingHandler inside = fixture.attach(plain).grant(100_000);
        add("socket,id=c,ipv4=on,host=localhost,tls-creds=theirs,reconnect-ms=20,port=" + port(plain));
        for (int attempt = 1; attempt <= 3; attempt++) {
            until(inside, ChardevEvent.OPENED, attempt);
            inside.write("this is no TLS\r\n");
            until(inside, ChardevEvent.CLOSED, attempt);
        }

        assertEquals(1, fixture.log().size(), () -> fixture.log().toString());
        assertTrue(
                fixture.log().get(0).contains("Unable to connect character device c: TLS handshake failed: "),
                () -> fixture.log().toString());
    }

    @Test
    @DisplayName("CH-14 what is no TLS credentials")
    void shouldRefuseOtherObjects() {
        String server = "socket,id=c,server=on,wait=off,host=127.0.0.1,port=0,tls-creds=";
        assertEquals("No TLS credentials with id 'x'", refusal(server + "x"));
        assertEquals("Object with id 'nobody' is not TLS credentials", refusal(server + "nobody"));
        assertEquals("Expected TLS credentials for a server endpoint", refusal(server + "theirs"));
        assertEquals("Cannot find QAuthZ object ID x", refusal(server + "ours,tls-authz=x"));
    }

    @Test
    @DisplayName("CH-14 addresses that TLS does not go with")
    void shouldRefuseOtherAddresses() {
        String refused = "'tls_creds' option is incompatible with ";
        assertEquals(
                refused + "'unix' address type", refusal("socket,id=c,server=on,path=/x,tls-creds=ours,reconnect=1"));
        assertEquals(refused + "'unix' address type", refusal("socket,id=c,path=/x,tls-creds=theirs,wait=on"));
        assertEquals(refused + "'vsock' address type", refusal("socket,id=c,cid=3,port=1,tls-creds=theirs"));
        assertEquals(refused + "'fd' address type as client", refusal("socket,id=c,fd=3,tls-creds=theirs"));
        assertEquals(
                "'reconnect' option is incompatible with 'fd' address type",
                refusal("socket,id=c,fd=3,tls-creds=theirs,reconnect=1"));
    }

    /** Nobody else knows the keys of a connection: the peer hears that it is over, and is served by the next process. */
    @Test
    void shouldServeAgainAfterAHandover() throws Exception {
        try (HandoverRig rig = new HandoverRig(new ChardevServices() {
            @Override
            public @Nullable Object object(String id) {
                return objects.find(id);
            }
        })) {
            Chardev server = rig.add("socket,id=s,server=on,wait=off,host=127.0.0.1,port=0,tls-creds=ours");
            RecordingHandler inside = rig.attach(server);
            Chardev client =
                    add("socket,id=c,ipv4=on,host=localhost,tls-creds=theirs,reconnect-ms=10,port=" + port(server));
            RecordingHandler outside = fixture.attach(client).grant(1000);
            rig.loop().until("open", () -> fixture.loop().loop().turn(0) >= 0 && server.isOpen() && client.isOpen());
            inside.write("bye");
            rig.handOver();
            until(outside, ChardevEvent.CLOSED, 1);
            RecordingHandler next = rig.frontOfNext("s").grant(1000);
            assertEquals(List.of(), next.events());
            rig.until("open again", () -> fixture.loop().loop().turn(0) >= 0 && client.isOpen());
            rig.until("open again", () -> next.count(ChardevEvent.OPENED) == 1);
            outside.write("hello again");
            rig.until("input", () -> next.text().equals("hello again"));
            assertEquals("bye", outside.text());
            outside.frontend().detach();
            chardevs.remove("c");
            rig.until("the end", () -> next.count(ChardevEvent.CLOSED) == 1);
            fixture.loop().settle();
        }
    }
}
