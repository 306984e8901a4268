package org.vportd.chardev.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;

/** Sockets that were opened by others, addresses as text, and options that contradict each other. */
class SocketChardevTest extends SocketFixture {
    @Test
    void shouldServeAtInheritedListener() throws Exception {
        Fd listener = UnixAddress.ofPath(path).listen(1);
        int number = inherited(listener);
        RecordingHandler front = fixture.front("socket,id=c,server=on,wait=off,fd=" + number);
        assertEquals("disconnected:fd:" + number + ",server=on", chardev().filename());
        assertEquals(
                "File descriptor '" + number + "' is not a socket",
                fixture.refusal("socket,id=d,server=on,wait=off,fd=" + number));

        connect();
        until(front, ChardevEvent.OPENED, 1);
    }

    @Test
    void shouldUseInheritedConnection() throws Exception {
        Fd[] pair = Sockets.pair();
        Peer peer = fixture.closing(new Peer(pair[1]));
        RecordingHandler front = fixture.front("socket,id=c,fd=" + inherited(pair[0]));
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        peer.write("in");
        fixture.loop().settle();
        assertEquals("in", front.text());
    }

    @Test
    void shouldRefuseDescriptorsThatAreNoSuchSocket() throws Exception {
        int file = inherited(Posix.open("/dev/null", Posix.O_RDWR, 0));
        try (Fd owner = new Fd(file)) {
            String text = "File descriptor '" + owner.value() + "' is not a socket";
            assertEquals(text, fixture.refusal("socket,id=c,fd=" + file));
            assertTrue(Posix.isInherited(file), "left as it was");
        }
        assertEquals("File descriptor '9999' is not a socket", fixture.refusal("socket,id=c,fd=9999"));
    }

    @Test
    void shouldShortenIpv6Addresses() throws UnknownHostException {
        assertEquals("[::1]:5", text("::1"));
        assertEquals("[::]:5", text("::"));
        assertEquals("[fe80::]:5", text("fe80::"));
        assertEquals("[2001:db8::1:0:0:1]:5", text("2001:db8:0:0:1:0:0:1"));
        assertEquals("[1:2:3:4:5:6:7:0]:5", text("1:2:3:4:5:6:7:0"));
        assertEquals("127.0.0.1:5", text("127.0.0.1"));
    }

    private static String text(String host) throws UnknownHostException {
        return InetResolver.text(new InetSocketAddress(InetAddress.getByName(host), 5));
    }

    @Test
    @DisplayName("CH-14 combinations that are refused")
    void shouldRefuseConflictingOptions() {
        String none = "None or one of 'path', 'fd' or 'host' option required.";
        assertEquals(none, fixture.refusal("socket,id=c"));
        assertEquals(none, fixture.refusal("socket,id=c,path=/x,host=h,port=1"));
        assertEquals("chardev: socket: no port given", fixture.refusal("socket,id=c,host=h"));
        assertEquals(
                "'wait' option is incompatible with socket in client connect mode",
                fixture.refusal("socket,id=c,path=/x,wait=off"));
        assertEquals(
                "'reconnect' option is incompatible with socket in server listen mode",
                fixture.refusal("socket,id=c,path=/x,server=on,reconnect=1"));
        assertEquals(
                "'reconnect' and 'reconnect-ms' are mutually exclusive",
                fixture.refusal("socket,id=c,path=/x,reconnect=1,reconnect-ms=1"));
        assertEquals(
                "'reconnect' option is incompatible with 'fd' address type",
                fixture.refusal("socket,id=c,fd=3,reconnect=1"));
        assertEquals(
                "'delay' and 'nodelay' are mutually exclusive",
                fixture.refusal("socket,id=c,host=h,port=1,delay=on,nodelay=on"));
        assertEquals(
                "Cannot disable IPv4 and IPv6 at same time",
                fixture.refusal("socket,id=c,host=h,port=1,ipv4=off,ipv6=off"));
        assertEquals("Parameter 'server' expects 'on' or 'off'", fixture.refusal("socket,id=c,path=/x,server=maybe"));
        assertEquals(
                "Parameter 'port' expects a number from 0 to 65535", fixture.refusal("socket,id=c,host=h,port=65536"));
    }
}
