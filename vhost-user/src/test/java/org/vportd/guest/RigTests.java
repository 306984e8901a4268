package org.vportd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Tests with one daemon and, where they allow it, one boot for all of a class. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class RigTests {
    /** More than queue and sockets can hold, also with 256 buffers of 32 KiB each. */
    static final long SIZE = 16 << 20;

    /** What the guest writes at once, and what a full queue of 128 such writes (QEMU) or 256 (user-mode Linux) has at least. */
    private static final int WRITE_LENGTH = 32768;

    private static final long FULL_QUEUE = 128L * WRITE_LENGTH;

    static final Duration TRANSFER = Duration.ofSeconds(40);
    static final Duration SHORT = Duration.ofSeconds(10);

    static final Duration QUIET = Duration.ofMillis(500);
    static final String PORT_IS_FULL = "[ \"$(portpoll 5 0 POLLOUT)\" = none ]";

    @RegisterExtension
    final KeptRig kept;

    RigTests(Rig.Starter starter, String deviceOptions) {
        kept = new KeptRig(starter, deviceOptions);
    }

    Rig rig() {
        return kept.rig();
    }

    String run(String command) {
        return rig().console().run(command, TRANSFER);
    }

    static <T> T await(Future<T> future) throws ExecutionException, InterruptedException, TimeoutException {
        return future.get(TRANSFER.toMillis(), TimeUnit.MILLISECONDS);
    }

    static String pattern(int seed, long bytes) {
        return new TestPattern(seed).sha256(bytes);
    }

    /** The virtio features, or the protocol features, that the guest has taken. */
    long negotiated(String what) throws IOException {
        Pattern pattern = Pattern.compile(" " + what + "=0x([0-9a-f]+)");
        return Long.parseLong(rig().daemon().awaitLog(pattern, SHORT).group(1), 16);
    }

    /** The port opened in the guest, and a peer that the guest knows of. */
    HostPeer openBothEnds() throws IOException {
        rig().openPort();
        HostPeer peer = rig().connectPeer();
        rig().awaitPeer("up");
        return peer;
    }

    static void assertTransfer(int seed, long bytes, String guestOutput) {
        String expected = "bytes=" + bytes + " sha256=" + pattern(seed, bytes) + " ms=\\d+";
        assertTrue(guestOutput.matches(expected), () -> "expected " + expected + " but was " + guestOutput);
    }

    static void assertTransfer(int seed, long bytes, HostPeer.Transfer transfer) {
        assertEquals(new HostPeer.Transfer(bytes, pattern(seed, bytes)), transfer);
    }

    void assertBothWays(HostPeer peer, int seed) throws Exception {
        Future<HostPeer.Transfer> received = rig().inBackground(() -> peer.receive(1 << 20, TRANSFER));
        assertTransfer(seed, 1 << 20, run("portsend 5 1048576 " + seed));
        assertTransfer(seed, 1 << 20, await(received));
        Future<String> sent = rig().inBackground(() -> peer.send(1 << 20, seed + 1, TRANSFER));
        assertTransfer(seed + 1, 1 << 20, run("portrecv 5 1048576"));
        assertEquals(pattern(seed + 1, 1 << 20), await(sent));
    }

    /**
     * The writer, stuck with a full queue when the last peer left, ends; this peer gets the pattern from the beginning of a
     * write on, and nothing of what was in the queue.
     */
    void assertOnlyFresh(HostPeer peer, String writer, int seed) throws Exception {
        Future<HostPeer.Transfer> rest = rig().inBackground(() -> peer.receiveAll(Duration.ofSeconds(2)));
        assertTransfer(seed, SIZE, run("wait " + writer + "; cat /tmp/sent"));

        HostPeer.Transfer fresh = await(rest);
        long lost = SIZE - fresh.bytes();
        assertTrue(fresh.bytes() > 0 && lost % WRITE_LENGTH == 0, "does not begin with a write: lost=" + lost);
        assertTrue(lost >= FULL_QUEUE, "what was queued for the last peer came to the next one: lost=" + lost);
        assertEquals(new TestPattern(seed).sha256(lost, SIZE), fresh.sha256());
    }
}
