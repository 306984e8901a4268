package org.vportd.chardev.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.Exchange;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

class PipeChardevTest {
    private static final long TOTAL = 8 << 20;

    @TempDir
    private Path folder;

    private ChardevFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private String fifo(String name) throws PosixException {
        String path = folder.resolve(name).toString();
        Posix.makeFifo(path, 0600);
        return path;
    }

    private Peer peer() throws PosixException {
        Fd in = Posix.open(folder.resolve("p.out").toString(), Posix.O_RDONLY | Posix.O_NONBLOCK, 0);
        Fd out = Posix.open(folder.resolve("p.in").toString(), Posix.O_WRONLY | Posix.O_NONBLOCK, 0);
        return fixture.closing(new Peer(in, out));
    }

    @Test
    @DisplayName("CH-06 P.in and P.out are used, and nobody has to be there")
    void shouldUseBothFifosAndStayOpenWithoutPeer() throws Exception {
        fifo("p.in");
        fifo("p.out");
        RecordingHandler front = fixture.front("pipe,id=c,path=" + folder.resolve("p"));
        assertEquals(3, front.write("out"));
        Peer peer = peer();
        peer.write("in");
        fixture.loop().settle();

        assertEquals("out", peer.text());
        assertEquals("in", front.text());
        peer.close();
        fixture.loop().settle();
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
    }

    @Test
    @DisplayName("CH-06 output waits only when the FIFO is full, and goes on when it is read")
    void shouldWaitWhenFifoIsFull() throws Exception {
        fifo("p.in");
        fifo("p.out");
        RecordingHandler front = fixture.front("pipe,id=c,path=" + folder.resolve("p"));
        String page = "x".repeat(1024);
        long total = 0;
        long n = front.write(page);
        while (n == page.length()) {
            total += n;
            n = front.write(page);
        }
        total += n;
        assertEquals(65536, total);
        fixture.loop().settle();
        assertEquals(0, front.writableCalls());

        assertEquals(65536, peer().text().length());
        fixture.loop().settle();

        assertEquals(1, front.writableCalls());
        assertEquals(4, front.write("more"));
    }

    @Test
    @DisplayName("CH-06 falls back to P, and makes no FIFO")
    void shouldFallBackToSingleFile() throws Exception {
        String path = fifo("p");
        fifo("p.in"); // not enough alone
        RecordingHandler front = fixture.front("pipe,id=c,path=" + path);

        front.write("back to the sender, as a FIFO does");
        fixture.loop().settle();

        assertEquals("back to the sender, as a FIFO does", front.text());
        assertFalse(Files.exists(folder.resolve("p.out")));
    }

    @Test
    @DisplayName("CH-06 refusals name P")
    void shouldRefuseWhenNothingIsThere() {
        assertEquals("chardev: pipe: no device path given", fixture.refusal("pipe,id=c"));
        assertEquals("Could not open '/x/p': No such file or directory", fixture.refusal("pipe,id=c,path=/x/p"));
        assertFalse(Files.exists(folder.resolve("p.in")));
    }

    @RepeatedTest(2)
    void shouldCarryEveryByteOnce(RepetitionInfo repetition) throws Exception {
        fifo("p.in");
        fifo("p.out");
        RecordingHandler front = fixture.attach(fixture.add("pipe,id=c,path=" + folder.resolve("p")));
        try (Exchange exchange = new Exchange(fixture.loop(), front, peer(), 100 + repetition.getCurrentRepetition())) {
            exchange.run(TOTAL);
        }
        assertTrue(front.frontend().isBackendOpen());
    }
}
