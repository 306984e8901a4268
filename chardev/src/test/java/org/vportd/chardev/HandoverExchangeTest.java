package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.backend.PtyChardev;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.handover.Parcel;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Terminals;
import org.vportd.posix.UnixAddress;

/** Both ends send all the time, while the chardev goes from one process to the next, or stays as that has failed. */
class HandoverExchangeTest {
    private static final int HANDOVERS = 30;
    private static final int STEPS = 20;
    /** So much that the room for output runs out soon. */
    private static final int MAX_WRITE = 60_000;

    private static final int GREETING_LENGTH = 12;
    private static final String BYTES = "abcdefgh\u00ff01234567";
    private static final String DOUBLE = "\u00ff\u00ff";

    @TempDir
    private Path folder;

    private final long seed = ThreadLocalRandom.current().nextLong();
    private final Random random = new Random(seed);
    private final StringBuilder sentIn = new StringBuilder();
    private final StringBuilder sentOut = new StringBuilder();
    private final StringBuilder received = new StringBuilder();
    private ChardevFixture fixture;
    private TestLoop loop;
    private Chardevs chardevs;
    private RecordingHandler front = new RecordingHandler();
    private @Nullable Peer reading;
    /** What the front-end has to write again. */
    private String held = "";
    /** What the peer has to write again. */
    private String heldIn = "";

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
        loop = new TestLoop();
        chardevs = BuiltinTypes.table(loop.loop(), ChardevServices.NONE);
    }

    @AfterEach
    void close() throws Exception {
        end();
        fixture.close();
    }

    private void end() {
        front.close();
        chardevs.close();
        loop.settle();
        loop.close();
    }

    private Chardev add(String options) throws ConfigException {
        return chardevs.add(Options.parse(options, "backend", warning -> {}));
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private Peer connect(String id) throws IOException {
        Chardev chardev = Objects.requireNonNull(chardevs.find(id));
        Peer peer = fixture.closing(new Peer(UnixAddress.ofPath(path(id)).connect()));
        loop.until("connected", chardev::isOpen);
        return peer;
    }

    private String socket(String id, String more) {
        return "socket,id=" + id + ",server=on,wait=off,path=" + path(id) + more;
    }

    private String text(int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append(BYTES.charAt(random.nextInt(BYTES.length())));
        }
        return text.toString();
    }

    /** Hands over to a new table, which may fail. */
    private void handOver(String id) throws Exception {
        TestLoop nextLoop = new TestLoop();
        Chardevs next = BuiltinTypes.table(nextLoop.loop(), ChardevServices.NONE);
        try (Parcel parcel = HandoverRig.pass(chardevs)) {
            next.unpack(parcel.parcels("chardevs"));
        }
        if (random.nextInt(3) == 0) {
            next.handedOver();
            next.close();
            nextLoop.close();
            return;
        }
        chardevs.handedOver();
        received.append(front.text());
        end();
        loop = nextLoop;
        chardevs = next;
        attach(id);
    }

    private void attach(String id) {
        front = new RecordingHandler().attach(Objects.requireNonNull(chardevs.find(id)));
    }

    private void step(Peer writer, boolean doubles) throws PosixException {
        switch (random.nextInt(6)) {
            case 0, 1 -> {
                String more = heldIn.isEmpty() ? text(random.nextInt(3000)) : heldIn;
                sentIn.append(heldIn.isEmpty() ? more : "");
                String encoded = doubles && heldIn.isEmpty() ? more.replace("\u00ff", DOUBLE) : more;
                heldIn = encoded.substring(writer.write(encoded));
            }
            case 2 -> write(held.isEmpty() ? text(random.nextInt(MAX_WRITE)) : held);
            case 3 -> front.grant(random.nextInt(4000));
            case 4 -> {
                if (reading != null) {
                    reading.text();
                }
            }
            default -> loop.loop().turn(0);
        }
    }

    private void write(String text) {
        sentOut.append(held.isEmpty() ? text : "");
        held = text.substring((int) front.write(text, 1 + random.nextInt(5000)));
    }

    private void exchange(String id, Peer writer, List<Peer> readers, boolean doubles) throws Exception {
        front.close();
        attach(id);
        for (int i = 0; i < HANDOVERS; i++) {
            int reader = random.nextInt(readers.size() + 1); // at most one at a time: the others fall behind
            reading = reader == readers.size() ? null : readers.get(reader);
            for (int j = 0; j < STEPS; j++) {
                step(writer, doubles);
            }
            handOver(id);
        }
        assertEquals(1, front.count(ChardevEvent.OPENED));
        front.grant(1 << 30);
        loop.until("all has come, seed=" + seed, () -> {
            try {
                heldIn = heldIn.substring(writer.write(heldIn));
            } catch (PosixException e) {
                throw new IllegalStateException(e);
            }
            if (!held.isEmpty()) {
                write(held);
            }
            readers.forEach(Peer::text);
            return held.isEmpty()
                    && received.length() + front.receivedBytes() >= sentIn.length()
                    && readers.stream().allMatch(each -> output(each, doubles).length() >= sentOut.length());
        });
        loop.settle();
        received.append(front.text());
        assertTrue(received.toString().contentEquals(sentIn), "input differs: seed=" + seed);
        for (Peer reader : readers) {
            assertTrue(output(reader, doubles).contentEquals(sentOut), "output differs: seed=" + seed);
        }
        assertEquals(1, front.count(ChardevEvent.OPENED));
        assertEquals(0, front.count(ChardevEvent.CLOSED));
    }

    private static String output(Peer reader, boolean doubles) {
        String text = reader.text();
        return doubles
                ? text.substring(Math.min(text.length(), GREETING_LENGTH)).replace(DOUBLE, "\u00ff")
                : text;
    }

    @Test
    void shouldLoseNothingOverASocket() throws Exception {
        add(socket("c", ""));
        Peer peer = connect("c");
        exchange("c", peer, List.of(peer), false);
    }

    @Test
    void shouldLoseNothingOverTelnet() throws Exception {
        add(socket("c", ",telnet=on"));
        Peer peer = connect("c");
        exchange("c", peer, List.of(peer), true);
    }

    @Test
    void shouldLoseNothingOverAPty() throws Exception {
        PtyChardev pty = (PtyChardev) add("pty,id=c");
        Peer peer = fixture.closing(
                new Peer(Posix.open(pty.slavePath(), Posix.O_RDWR | Posix.O_NOCTTY | Posix.O_NONBLOCK, 0)));
        loop.until("connected", pty::isOpen);
        exchange("c", peer, List.of(peer), false);
    }

    @Test
    void shouldLoseNothingOverASerialLine() throws Exception {
        Terminals.Pty line = Terminals.openPty();
        Peer peer = fixture.closing(new Peer(line.master()));
        add("serial,id=c,path=" + line.slavePath());
        exchange("c", peer, List.of(peer), false);
    }

    @Test
    void shouldLoseNothingOverAHub() throws Exception {
        add(socket("a", ""));
        add(socket("b", ""));
        add("hub,id=h,chardevs.0=a,chardevs.1=b");
        Peer a = connect("a");
        exchange("h", a, List.of(a, connect("b")), false);
    }

    @Test
    void shouldLoseNothingOverAMultiplexerOverAHub() throws Exception {
        add(socket("a", ""));
        add(socket("b", ""));
        add("hub,id=h,chardevs.0=a,chardevs.1=b,writer=a");
        add("mux,id=m,chardev=h");
        Peer a = connect("a");
        exchange("m", a, List.of(a, connect("b")), false);
    }

    @Test
    void shouldLoseNothingOverAMultiplexerOverTelnet() throws Exception {
        add(socket("b", ",telnet=on"));
        add("mux,id=m,chardev=b");
        Peer b = connect("b");
        exchange("m", b, List.of(b), true);
    }
}
