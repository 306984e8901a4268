package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.posix.Fd;
import org.vportd.posix.LibC;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;

/** How a stream ends: all that was sent before arrives, the end is told once, and a peer that has gone holds nobody up. */
class FdStreamEndTest extends FdStreamFixture {
    @Test
    void shouldDeliverAllThatWasSentWhenPeerClosesSocket() throws Exception {
        connect(Sockets.pair());
        deliversAllBeforeEnd();
    }

    @Test
    void shouldDeliverAllThatWasSentWhenPeerClosesTcp() throws Exception {
        connect(tcpPair());
        deliversAllBeforeEnd();
    }

    @Test
    void shouldDeliverAllThatWasSentWhenPeerClosesPipe() throws Exception {
        Fd[] pair = Posix.pipe();
        front = front(pair[0], null);
        peer = peer(devNull(), pair[1]);
        deliversAllBeforeEnd();
    }

    @Test
    void shouldDeliverAllThatWasSentWhenPeerClosesTerminal() throws Exception {
        connect(terminal());
        deliversAllBeforeEnd();
    }

    private void deliversAllBeforeEnd() throws Exception {
        front.checkingPattern();
        peer.writePattern(3000);
        loop.settle();
        front.grant(1000);
        loop.settle();
        peer.close();
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        front.grant(1000);
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
        front.grant(2000);
        loop.settle();

        assertEquals(3000, front.receivedBytes());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @RepeatedTest(200)
    void shouldDeliverAllAndCloseOnceInWhateverOrderThingsHappen(RepetitionInfo repetition) throws Exception {
        long seed = repetition.getCurrentRepetition();
        Random random = new Random(seed);
        connect(randomPair(random.nextInt(3)));
        front.checkingPattern();
        int steps = random.nextInt(30);
        for (int i = 0; i < steps; i++) {
            switch (random.nextInt(5)) {
                case 0 -> front.grant(random.nextInt(3000));
                case 1 -> peer.writePattern(1 + random.nextInt(2000));
                case 2 -> front.write("x".repeat(1 + random.nextInt(500)));
                case 3 -> peer.text();
                default -> loop.loop().turn(0);
            }
        }
        peer.text(); // a TCP peer that closes with unread data resets, which may overtake its own data
        peer.close();
        for (int i = 0; i < 1000 && front.count(ChardevEvent.CLOSED) == 0; i++) {
            switch (random.nextInt(3)) {
                case 0 -> front.grant(random.nextInt(3000));
                case 1 -> front.write("lost");
                default -> loop.loop().turn(1);
            }
        }
        loop.settle();

        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events(), "seed=" + seed);
        assertEquals(peer.patternWritten(), front.receivedBytes(), "seed=" + seed);
    }

    private Fd[] randomPair(int kind) throws Exception {
        return switch (kind) {
            case 0 -> Sockets.pair();
            case 1 -> tcpPair();
            default -> terminal();
        };
    }

    @Test
    void shouldLetPeerGoWithWhatItHadSentWhenNobodyReads() throws Exception {
        connect(Sockets.pair());
        front.setReceiving(false);
        peer.write("unread");
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        peer.close();
        loop.until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == 1);

        assertEquals("", front.text());
    }

    @Test
    void shouldLetTcpPeerGoWhenNothingOfItIsUnreadAndNobodyReads() throws Exception {
        connect(tcpPair());
        front.setReceiving(false);
        peer.close();
        loop.until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == 1);
    }

    @Test
    void shouldKeepTcpPeersLastWordsUntilSomebodyReads() throws Exception {
        connect(tcpPair());
        keepsLastWords(peer::close);
    }

    @Test
    void shouldKeepLastWordsOfHalfClosedPeerUntilSomebodyReads() throws Exception {
        connect(Sockets.pair());
        keepsLastWords(() -> Sockets.shutdownOutput(peer.fd()));
    }

    private interface Ending {
        void run() throws Exception;
    }

    private void keepsLastWords(Ending ending) throws Exception {
        front.setReceiving(false);
        peer.write("last words");
        loop.settle();
        ending.run();
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        front.setReceiving(true);
        front.grant(100);
        loop.until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == 1);
        assertEquals("last words", front.text());
    }

    @Test
    void shouldNotMakeWriterWaitWhenPeerHasGoneAndItsInputIsStillUnread() throws Exception {
        connect(Sockets.pair());
        peer.write("unread");
        loop.settle();
        peer.close();
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        assertEquals(0, front.write("nobody hears this"));
        loop.until("writable", () -> front.writableCalls() == 1);
        assertEquals(9, front.write("nor this "));
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        front.grant(100);
        loop.until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == 1);
        assertEquals("unread", front.text());
    }

    @Test
    void shouldLetPeerGoWhenReaderStopsAfterwards() throws Exception {
        connect(Sockets.pair());
        peer.write("unread");
        peer.close();
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        front.setReceiving(false);
        loop.settle();

        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void shouldTreatHalfCloseAsTheEnd() throws Exception {
        connect(Sockets.pair());
        front.grant(100);

        peer.write("last");
        Sockets.shutdownOutput(peer.fd());
        loop.settle();

        assertEquals("last", front.text());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void shouldDeliverInputBeforeEndWhenWriteFails() throws Exception {
        connect(Sockets.pair());
        peer.write("last words");
        peer.close();

        assertEquals(0, front.write("lost"));
        assertEquals(List.of(ChardevEvent.OPENED), front.events(), "no event from within write");
        loop.settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
        front.grant(100);
        loop.settle();

        assertEquals("last words", front.text());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void shouldEndWhenPeerStopsReadingButStays() throws Exception {
        connect(Sockets.pair());
        front.grant(100);
        LibC.C.shutdown(peer.fd().value(), 0); // SHUT_RD
        loop.settle();

        assertEquals(0, front.write("lost"));
        loop.settle();

        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void shouldReadRegularFileToItsEnd(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("in"), "x".repeat(200_000));
        RecordingHandler front = front(Posix.open(file.toString(), Posix.O_RDONLY, 0), null);
        loop.settle();
        assertEquals(0, front.receivedBytes());

        front.grant(1_000_000);
        loop.settle();

        assertEquals(200_000, front.receivedBytes());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
    }

    @Test
    void shouldNotReadAfterOwnerHasClosedIt() throws Exception {
        connect(Sockets.pair());
        peer.write("ignored");
        front.grant(100);
        front.frontend().detach();
        opened.forEach(each -> {
            if (each instanceof StreamChardev chardev) {
                chardev.close();
            }
        });
        loop.settle();

        assertEquals("", front.text());
        assertTrue(peer.isAtEnd());
    }
}
