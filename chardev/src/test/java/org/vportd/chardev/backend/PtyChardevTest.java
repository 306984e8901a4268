package org.vportd.chardev.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Exchange;
import org.vportd.chardev.Options;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

class PtyChardevTest {
    private static final long TOTAL = 8 << 20;

    @TempDir
    private Path folder;

    private ChardevFixture fixture;
    private PtyChardev pty;
    private RecordingHandler front;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
        pty = (PtyChardev) fixture.add("pty,id=c");
        front = fixture.attach(pty);
        fixture.loop().settle();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private Peer openSlave() throws PosixException {
        return fixture.closing(
                new Peer(Posix.open(pty.slavePath(), Posix.O_RDWR | Posix.O_NOCTTY | Posix.O_NONBLOCK, 0)));
    }

    private void awaitEvents(ChardevEvent... events) {
        fixture.loop().until("events " + List.of(events), () -> front.events().equals(List.of(events)));
    }

    @Test
    @DisplayName("CH-07 a fresh pty is not connected and drops output")
    void shouldNotBeConnectedAtFirst() throws Exception {
        assertFalse(pty.isOpen());
        assertEquals(4, front.write("drop"));
        assertEquals(List.of(), front.events());
        assertEquals("pty:" + pty.slavePath(), pty.filename());
        assertEquals(Optional.of("char device redirected to " + pty.slavePath() + " (label c)"), pty.notice());

        Peer slave = openSlave();
        awaitEvents(ChardevEvent.OPENED);
        assertEquals("", slave.text());
    }

    @Test
    @DisplayName("CH-07 opening the slave opens it at once, closing closes it, again and again")
    void shouldFollowTheSlave() throws Exception {
        front.grant(1000);
        long start = System.nanoTime();
        for (int i = 1; i <= 20; i++) {
            int round = i;
            Peer slave = openSlave();
            fixture.loop().until("OPENED", () -> front.count(ChardevEvent.OPENED) == round);
            slave.write("hello");
            front.write("world");
            fixture.loop().until("data", () -> slave.text().equals("world"));
            slave.close();
            fixture.loop().until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == round);
        }
        assertEquals("hello".repeat(20), front.text());
        assertTrue(System.nanoTime() - start < 10_000_000_000L, "not by the timer of one second");
    }

    @Test
    @DisplayName("CH-07 the slave is raw from the start")
    void shouldBeRaw() throws Exception {
        Peer slave = openSlave();
        awaitEvents(ChardevEvent.OPENED);
        front.grant(100);
        slave.write("a\rb\n\u0003\u0004");
        front.write("c\r\nd");
        fixture.loop().settle();

        fixture.loop().until("output", () -> slave.text().equals("c\r\nd"));
        fixture.loop().until("input", () -> front.text().equals("a\rb\n\u0003\u0004"));
    }

    @Test
    void shouldDeliverWhatWasWrittenWhenSlaveIsAlreadyClosedAgain() throws Exception {
        front.grant(100);
        Peer slave = openSlave();
        slave.write("echo hi");
        slave.close();

        awaitEvents(ChardevEvent.OPENED, ChardevEvent.CLOSED);
        assertEquals("echo hi", front.text());
    }

    @Test
    void shouldDeliverBeforeCloseWhenThereWasNoRoom() throws Exception {
        Peer slave = openSlave();
        slave.write("0123456789");
        awaitEvents(ChardevEvent.OPENED);
        slave.close();
        fixture.loop().settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        front.grant(4);
        fixture.loop().settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
        front.grant(100);

        awaitEvents(ChardevEvent.OPENED, ChardevEvent.CLOSED);
        assertEquals("0123456789", front.text());
    }

    @Test
    void shouldLetSlaveGoOnceWhenNobodyReads() throws Exception {
        front.setReceiving(false);
        Peer slave = openSlave();
        slave.write("unread");
        awaitEvents(ChardevEvent.OPENED);
        slave.close();
        awaitEvents(ChardevEvent.OPENED, ChardevEvent.CLOSED);
        fixture.loop().settle();

        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void shouldDropOutputAfterSlaveHasClosed() throws Exception {
        front.grant(10);
        Peer slave = openSlave();
        awaitEvents(ChardevEvent.OPENED);
        slave.close();
        awaitEvents(ChardevEvent.OPENED, ChardevEvent.CLOSED);

        String large = "x".repeat(1000);
        for (int i = 0; i < 200; i++) {
            assertEquals(1000, front.write(large));
        }
    }

    @Test
    @DisplayName("CH-07 path= makes a link, which is removed")
    void shouldMakeAndRemoveLink() throws Exception {
        Path link = folder.resolve("link");
        PtyChardev linked = (PtyChardev) fixture.add("pty,id=d,path=" + link);
        assertEquals(linked.slavePath(), Files.readSymbolicLink(link).toString());
        assertEquals("Failed to create PTY symlink: File exists", fixture.refusal("pty,id=e,path=" + link));

        fixture.chardevs().remove("d");

        assertFalse(Files.exists(link, LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void shouldLeaveLinkThatIsNoLongerOurs() throws Exception {
        Path link = folder.resolve("link");
        fixture.add("pty,id=d,path=" + link);
        Files.delete(link);
        Files.createSymbolicLink(link, Path.of("/dev/null"));

        fixture.chardevs().remove("d");

        assertEquals(Path.of("/dev/null"), Files.readSymbolicLink(link));
    }

    private void change(String options) throws ConfigException {
        fixture.chardevs().change("d", Options.parse(options, "backend", warning -> {}));
    }

    @Test
    @DisplayName("CH-35 change to a pty with the same path= replaces the link, which then is the new one's")
    void shouldReplaceLinkInChange() throws Exception {
        Path link = folder.resolve("link");
        fixture.add("pty,id=d,path=" + link);

        change("pty,path=" + link);

        PtyChardev changed =
                (PtyChardev) Objects.requireNonNull(fixture.chardevs().find("d"));
        assertEquals(changed.slavePath(), Files.readSymbolicLink(link).toString());
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(link), files.toList());
        }
        fixture.chardevs().remove("d");
        assertFalse(Files.exists(link, LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    @DisplayName("CH-33 a change that fails leaves the link of the old pty")
    void shouldKeepLinkWhenChangeFails() throws Exception {
        Path link = folder.resolve("link");
        PtyChardev old = (PtyChardev) fixture.add("pty,id=d,path=" + link);

        assertThrows(ConfigException.class, () -> change("pty,path=" + folder + "/no/link"));
        assertThrows(ConfigException.class, () -> change("pty,logfile=/no/log,path=" + link));
        assertEquals(old.slavePath(), Files.readSymbolicLink(link).toString());

        Files.delete(link);
        Files.writeString(link, "of somebody else");
        ConfigException refused = assertThrows(ConfigException.class, () -> change("pty,path=" + link));
        assertEquals("Failed to create PTY symlink: File exists", refused.getMessage());
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(link), files.toList());
        }
    }

    @RepeatedTest(2)
    void shouldCarryEveryByteOnce(RepetitionInfo repetition) throws Exception {
        Peer slave = openSlave();
        awaitEvents(ChardevEvent.OPENED);
        try (Exchange exchange = new Exchange(fixture.loop(), front, slave, 200 + repetition.getCurrentRepetition())) {
            exchange.run(TOTAL);
        }
    }
}
