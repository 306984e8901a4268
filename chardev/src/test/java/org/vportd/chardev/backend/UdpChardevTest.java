package org.vportd.chardev.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.Datagrams;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

class UdpChardevTest {
    private static final int BUFFER_LENGTH = 1 << 20;

    private ChardevFixture fixture;
    private long memory;
    private int ours;
    private int theirs;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
        memory = NativeMemory.allocate(BUFFER_LENGTH);
        ours = freePort();
        theirs = freePort();
    }

    @AfterEach
    void close() throws Exception {
        NativeMemory.free(memory);
        fixture.close();
    }

    private static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    private static int freePort() throws PosixException {
        try (Fd probe = Datagrams.open(loopback(0), loopback(9), null)) {
            return Objects.requireNonNull(Sockets.localAddress(probe)).getPort();
        }
    }

    /** The other end: bound to our idea of its port, and hearing the chardev only. */
    private Fd peer() throws PosixException {
        return fixture.closing(Datagrams.open(loopback(theirs), loopback(ours), null));
    }

    private String options() {
        return "udp,id=c,host=127.0.0.1,port=" + theirs + ",localaddr=127.0.0.1,localport=" + ours;
    }

    private Chardev change(String options) throws ConfigException {
        return fixture.chardevs().change("c", Options.parse(options, "backend", warning -> {}));
    }

    private void send(Fd from, String text) throws PosixException {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        NativeMemory.put(bytes, 0, memory, bytes.length);
        assertEquals(bytes.length, Sockets.send(from, memory, bytes.length));
    }

    /** The next datagram, null if there is none. */
    private String next(Fd at) throws PosixException {
        long n = Posix.read(at, memory, BUFFER_LENGTH);
        if (n < 0) {
            return "none";
        }
        byte[] bytes = new byte[(int) n];
        NativeMemory.get(memory, bytes, 0, bytes.length);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static String noise(int bytes) {
        StringBuilder text = new StringBuilder();
        Random random = new Random(bytes);
        for (int i = 0; i < bytes; i++) {
            text.append((char) ('a' + random.nextInt(26)));
        }
        return text.toString();
    }

    @Test
    @DisplayName("CH-04 never open, but each write is one datagram")
    void shouldSendEachWriteAsDatagramAndNeverOpen() throws Exception {
        Fd peer = peer();
        Chardev chardev = fixture.add(options());
        RecordingHandler front = fixture.attach(chardev);
        assertTrue(chardev.takesOutput());
        assertEquals("udp", chardev.filename());

        assertEquals(5, front.write("first"));
        assertEquals(6, front.write("second"));

        assertEquals("first", next(peer));
        assertEquals("second", next(peer));
        assertEquals("none", next(peer));
        fixture.loop().settle();
        assertEquals(List.of(), front.events());
        assertFalse(chardev.isOpen());
    }

    @Test
    @DisplayName("CH-04 a datagram that is longer than the room there is comes in pieces, without loss")
    void shouldFeedDatagramAsRoomComes() throws Exception {
        Fd peer = peer();
        RecordingHandler front = fixture.attach(fixture.add(options()));
        String sent = noise(100);
        send(peer, sent);
        send(peer, "next");
        send(peer, "");
        send(peer, "last");
        fixture.loop().settle();
        assertEquals("", front.text());
        for (int credit = 10; credit <= 100; credit += 10) {
            int all = credit;
            front.grant(10);
            fixture.loop().until("fed", () -> front.text().length() == all);
        }
        assertEquals(sent, front.text());

        front.grant(1000);
        fixture.loop().until("the others", () -> front.text().equals(sent + "nextlast"));
    }

    @Test
    @DisplayName("CH-04 + the longest datagram comes and goes whole")
    void shouldCarryTheLongestDatagram() throws Exception {
        Fd peer = peer();
        RecordingHandler front = fixture.attach(fixture.add(options()));
        String longest = noise(65507);
        send(peer, longest);
        front.grant(7);
        fixture.loop().until("a bit", () -> front.text().length() == 7);
        front.grant(1 << 20);
        fixture.loop().until("all", () -> front.text().length() == longest.length());
        assertEquals(longest, front.text());

        assertEquals(longest.length(), write(front, longest, 3));
        assertEquals(longest, next(peer));
    }

    private long write(RecordingHandler front, String text, int segments) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        NativeMemory.put(bytes, 0, memory, bytes.length);
        try (IoVector data = new IoVector()) {
            int each = bytes.length / segments;
            for (int i = 0; i < segments; i++) {
                data.add(memory + (long) i * each, i == segments - 1 ? bytes.length - i * each : each);
            }
            return front.frontend().write(data);
        }
    }

    @Test
    void shouldSplitWhatNoDatagramCanCarry() throws Exception {
        Fd peer = peer();
        RecordingHandler front = fixture.attach(fixture.add(options()));

        String tooLong = noise(70_000);
        assertEquals(tooLong.length(), write(front, tooLong, 5));
        String first = next(peer);
        assertEquals(65507, first.length());
        assertEquals(tooLong, first + next(peer));

        String tooManyParts = noise(3000);
        assertEquals(tooManyParts.length(), write(front, tooManyParts, 1500));
        String start = next(peer);
        assertEquals(2048, start.length());
        assertEquals(tooManyParts, start + next(peer));
    }

    @Test
    void shouldGoOnAfterNobodyWasThere() throws Exception {
        RecordingHandler front = fixture.attach(fixture.add(options())).grant(1000);
        for (int i = 0; i < 5; i++) {
            assertEquals(4, front.write("lost"));
            fixture.loop().settle();
        }
        Fd peer = peer();

        assertEquals(4, front.write("kept"));
        assertEquals("kept", next(peer));
        send(peer, "answer");
        fixture.loop().until("data", () -> front.text().equals("answer"));
        assertEquals(List.of(), fixture.log());
    }

    @Test
    void shouldHearNobodyButItsPeer() throws Exception {
        RecordingHandler front = fixture.attach(fixture.add(options())).grant(1000);
        Fd stranger = fixture.closing(Datagrams.open(null, loopback(ours), null));
        Fd peer = peer();

        send(stranger, "strange");
        send(peer, "known");

        fixture.loop().until("data", () -> front.text().equals("known"));
        fixture.loop().settle();
        assertEquals("known", front.text());
    }

    @Test
    @DisplayName(
            "CH-35 udp in the place of udp at the same address: what has come is not lost, and the address stays its own")
    void shouldTakeOverLocalAddress() throws Exception {
        RecordingHandler front = fixture.attach(fixture.add(options()));
        Fd peer = peer();
        send(peer, "half and half");
        send(peer, " waits");
        front.grant(5);
        fixture.loop().until("half", () -> front.text().equals("half "));

        change(options());
        front.grant(1000);
        fixture.loop().until("all", () -> front.text().equals("half and half waits"));
        front.write("out");
        assertEquals("out", next(peer));

        int third = freePort();
        Fd other = fixture.closing(Datagrams.open(loopback(third), loopback(ours), null));
        change(options().replace("port=" + theirs + ",", "port=" + third + ","));
        send(other, "!");
        fixture.loop().until("the new peer", () -> front.text().endsWith("!"));
        front.write("to the new one");
        assertEquals("to the new one", next(other));
        assertEquals("none", next(peer));
        assertEquals(
                "Failed to bind socket to 127.0.0.1:" + ours + ": Address already in use",
                fixture.refusal(options().replace("id=c", "id=d")));
    }

    @Test
    @DisplayName("CH-33 a failed change of udp leaves it as it was")
    void shouldLeaveTheOldOneWhenTheChangeFails() throws Exception {
        RecordingHandler front = fixture.attach(fixture.add(options())).grant(1000);
        int taken = freePort();
        fixture.closing(Datagrams.open(loopback(taken), loopback(9), null));
        ConfigException refused = assertThrows(
                ConfigException.class,
                () -> change("udp,host=127.0.0.1,port=" + theirs + ",localaddr=127.0.0.1,localport=" + taken));
        assertEquals("Failed to bind socket to 127.0.0.1:" + taken + ": Address already in use", refused.getMessage());

        Fd peer = peer();
        send(peer, "in");
        fixture.loop().until("data", () -> front.text().equals("in"));
        front.write("out");
        assertEquals("out", next(peer));
    }

    @Test
    void shouldUseLocalhostUnlessToldOtherwise() throws Exception {
        Fd peer = fixture.closing(Datagrams.open(loopback(theirs), loopback(ours), null));
        RecordingHandler front = fixture.attach(fixture.add("udp,id=c,ipv4=on,port=" + theirs + ",localport=" + ours));

        front.write("hello");

        assertEquals("hello", next(peer));
    }

    @Test
    void shouldSpeakIpv6WhereThereIsOne() throws Exception {
        InetAddress loopback6 = InetAddress.getByName("0:0:0:0:0:0:0:1");
        List<Fd> listener = new ArrayList<>();
        InetSocketAddress there = new InetSocketAddress(loopback6, theirs);
        InetSocketAddress here = new InetSocketAddress(loopback6, ours);
        try {
            listener.add(fixture.closing(Datagrams.open(there, here, null)));
        } catch (IOException e) {
            assertThrows(ConfigException.class, () -> fixture.add("udp,id=c,host=::1,port=" + theirs));
            return;
        }
        RecordingHandler front = fixture.attach(fixture.add("udp,id=c,host=::1,port=" + theirs + ",localport=" + ours));
        front.write("six");
        assertEquals("six", next(listener.get(0)));
    }

    @Test
    void shouldRefuseWhatCannotBe() {
        assertEquals("chardev: udp: remote port not specified", fixture.refusal("udp,id=c,host=127.0.0.1"));
        assertEquals("chardev: udp: remote port not specified", fixture.refusal("udp,id=c,port="));
        assertEquals("Parameter 'port' expects a number from 1 to 65535", fixture.refusal("udp,id=c,port=0"));
        assertEquals("Cannot disable IPv4 and IPv6 at same time", fixture.refusal("udp,id=c,port=1,ipv4=off,ipv6=off"));
        assertEquals(
                "address resolution failed for name.invalid:1: Name or service not known",
                fixture.refusal("udp,id=c,numeric=on,host=name.invalid,port=1"));
    }
}
