package org.vportd.guest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What any guest must be able to do with the device, with one daemon and, where the test allows it, one boot for all. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class GuestTests {
    /** More than queue and sockets can hold, also with 256 buffers of 32 KiB each. */
    static final long SIZE = 16 << 20;

    /** What the guest writes at once, and what a full queue of 128 such writes (QEMU) or 256 (user-mode Linux) has at least. */
    private static final int WRITE_LENGTH = 32768;

    private static final long FULL_QUEUE = 128L * WRITE_LENGTH;

    static final Duration TRANSFER = Duration.ofSeconds(40);
    static final Duration SHORT = Duration.ofSeconds(10);

    private static final Duration QUIET = Duration.ofMillis(500);
    static final String PORT_IS_FULL = "[ \"$(portpoll 5 0 POLLOUT)\" = none ]";

    @RegisterExtension
    final KeptRig kept;

    GuestTests(Rig.Starter starter) {
        this(starter, "");
    }

    GuestTests(Rig.Starter starter, String deviceOptions) {
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

    @Test
    void shouldAnswerWhenCommandIsTypedOnConsole() {
        assertEquals("42", run("echo $((6 * 7))"));
    }

    @Test
    void shouldNamePortsWhenGuestHasBooted() {
        assertEquals("org.qemu.guest_agent.0\norg.vportd.test", run("ls -1 /dev/virtio-ports"));
        assertEquals("org.vportd.test", run("cat /sys/class/virtio-ports/vport*p2/name"));
    }

    @Test
    void shouldAnswerOnTerminalWhenCommandIsTypedOnSecondConsole() throws IOException {
        String pid = run("console /dev/hvc1 >/dev/null 2>&1 & echo $!");
        try (Console terminal = Console.on(rig().openTerminal(), () -> "")) {
            terminal.awaitShell(SHORT);
            assertEquals("42", terminal.run("echo $((6 * 7))"));
            assertEquals("/dev/hvc1", terminal.run("tty"));
            String unused = run("kill " + pid); // keeps no other shell from starting, then:
            terminal.send("exit\n");
        }
        rig().awaitInGuest("! fuser /dev/hvc1 >/dev/null 2>&1", "shell on hvc1 does not end");
    }

    @Test
    void shouldNotStallGuestWhenNobodyReadsConsole() throws IOException {
        try (Terminal unread = rig().openTerminal()) {
            assertEquals("0", run("timeout 15 dd if=/dev/zero of=/dev/hvc1 bs=4096 count=512 2>/dev/null; echo $?"));
            assertTrue(unread.read(ByteBuffer.allocate(4096), Deadline.after(SHORT)) > 0);
        }
    }

    @Test
    void shouldDeliverEveryByteWhenGuestSends() throws Exception {
        try (HostPeer peer = openBothEnds()) {
            Future<HostPeer.Transfer> received = rig().inBackground(() -> peer.receive(SIZE, TRANSFER));

            assertTransfer(1, SIZE, run("portsend 5 " + SIZE + " 1"));

            assertTransfer(1, SIZE, await(received));
        }
    }

    @Test
    void shouldDeliverEveryByteWhenHostSends() throws Exception {
        try (HostPeer peer = openBothEnds()) {
            Future<String> sent = rig().inBackground(() -> peer.send(SIZE, 2, TRANSFER));

            assertTransfer(2, SIZE, run("portrecv 5 " + SIZE));

            assertEquals(pattern(2, SIZE), await(sent));
        }
    }

    @Test
    void shouldDeliverEveryByteWhenBothSendAtOnce() throws Exception {
        try (HostPeer peer = openBothEnds()) {
            Future<String> sent = rig().inBackground(() -> peer.send(SIZE, 3, TRANSFER));
            Future<HostPeer.Transfer> received = rig().inBackground(() -> peer.receive(SIZE, TRANSFER));

            String output =
                    run("portsend 5 " + SIZE + " 4 >/tmp/sent & portrecv 5 " + SIZE + "; wait $!; cat /tmp/sent");

            assertTransfer(3, SIZE, output.lines().findFirst().orElse(""));
            assertTransfer(4, SIZE, output.lines().skip(1).findFirst().orElse(""));
            assertTransfer(4, SIZE, await(received));
            assertEquals(pattern(3, SIZE), await(sent));
        }
    }

    @Test
    void shouldLoseNothingWhenHostReadsSlowly() throws Exception {
        try (HostPeer peer = openBothEnds()) {
            String pid = run("portsend 5 " + SIZE + " 5 >/tmp/sent & echo $!");
            rig().awaitInGuest(PORT_IS_FULL, "port never fills");
            rig().awaitAsleep(pid);

            assertTransfer(5, SIZE, peer.receiveSlowly(SIZE, 65536, Duration.ofMillis(4), TRANSFER));

            assertTransfer(5, SIZE, run("wait " + pid + "; cat /tmp/sent"));
        }
    }

    @Test
    void shouldLoseNothingWhenGuestReadsSlowly() throws Exception {
        try (HostPeer peer = openBothEnds()) {
            HostPeer.Transfer held = peer.sendUntilFull(SIZE, 6, QUIET);
            assertTrue(held.bytes() < SIZE, "the daemon takes without end what the guest does not read");
            String first = run("portrecv 5 " + held.bytes());
            assertTrue(first.startsWith("bytes=" + held.bytes() + " sha256=" + held.sha256() + " "), first);

            Future<String> sent = rig().inBackground(() -> peer.send(SIZE, 7, TRANSFER));
            assertTransfer(7, SIZE, run("portrecv 5 " + SIZE + " 1500"));
            assertEquals(pattern(7, SIZE), await(sent));
        }
    }

    @Test
    void shouldHoldHostDataWhenGuestHasNotOpenedPort() throws IOException {
        try (HostPeer peer = rig().connectPeer()) {
            HostPeer.Transfer held = peer.sendUntilFull(SIZE, 8, QUIET);
            assertTrue(held.bytes() < SIZE, "the daemon takes without end what the guest does not read");

            rig().openPort();

            String output = run("portrecv 5 " + held.bytes());
            assertTrue(output.startsWith("bytes=" + held.bytes() + " sha256=" + held.sha256() + " "), output);
        }
    }

    @Test
    void shouldHangUpWhenNoPeerIsConnected() {
        rig().openPort();
        rig().awaitPeer("down");

        assertEquals("POLLIN POLLHUP", run("portpoll 5 1000"));
        assertEquals("POLLHUP", run("portpoll 5 1000 POLLOUT"));
        assertTrue(run("portrecv 5 1").matches("bytes=0 .* end"));
    }

    @Test
    void shouldBecomeWritableWhenPeerConnects() throws IOException {
        rig().openPort();
        rig().awaitPeer("down");
        String writer = run("portsend 5 100000 9 >/tmp/sent & echo $!");
        rig().awaitAsleep(writer);
        assertEquals("", run("cat /tmp/sent"), "no write is possible without a peer");

        try (HostPeer peer = rig().connectPeer()) {
            assertTransfer(9, 100_000, peer.receive(100_000, SHORT));
            assertTransfer(9, 100_000, run("wait " + writer + "; cat /tmp/sent"));
            assertEquals("POLLOUT", run("portpoll 5 1000"));
        }
    }

    @Test
    void shouldWakePollWhenPeerLeaves() throws IOException {
        HostPeer peer = openBothEnds();
        String poll = run("portpoll 5 20000 POLLIN >/tmp/polled & echo $!");
        rig().awaitAsleep(poll);

        peer.leave();

        assertEquals("POLLIN POLLHUP", run("wait " + poll + "; cat /tmp/polled"));
        assertTrue(run("portrecv 5 1").matches("bytes=0 .* end"));
    }

    @Test
    void shouldEndReadWhenPeerLeaves() throws IOException {
        HostPeer peer = openBothEnds();
        String reader = run("portrecv -n 5 10 >/tmp/got & echo $!");
        rig().awaitAsleep(reader);

        peer.leave();

        assertTrue(run("wait " + reader + "; cat /tmp/got").matches("bytes=0 .* end"));
    }

    @Test
    void shouldGiveFreshDataWhenPeerReturnsWhileGuestWasBlocked() throws Exception {
        HostPeer first = openBothEnds();
        String writer = run("portsend 5 " + SIZE + " 10 >/tmp/sent & echo $!");
        rig().awaitInGuest(PORT_IS_FULL, "port never fills");

        first.leave();

        rig().awaitPeer("down");
        rig().awaitAsleep(writer);
        assertEquals("", run("cat /tmp/sent"), "the writer must wait for the next peer");
        try (HostPeer second = rig().connectPeer()) {
            assertOnlyFresh(second, writer, 10);
            assertEquals("POLLOUT", run("portpoll 5 1000"));
            assertBothWays(second, 11);
        }
    }

    @Test
    void shouldWorkAgainWhenGuestReboots() throws Exception {
        try (HostPeer peer = openBothEnds()) {
            String boot = run("cat /proc/sys/kernel/random/boot_id");
            String unused = run("portsend 5 " + SIZE + " 12 >/tmp/sent & :");
            rig().awaitInGuest(PORT_IS_FULL, "port never fills");
            rig().console().send("reboot -f\n");
            rig().awaitGuest();

            assertNotEquals(boot, run("cat /proc/sys/kernel/random/boot_id"));
            HostPeer.Transfer stale = peer.receiveAll(QUIET);
            assertTrue(stale.bytes() < SIZE, "output from before the reboot should not go on after it");
            rig().openPort();
            rig().awaitPeer("up");
            assertBothWays(peer, 13);
        }
    }

    @Test
    void shouldServeNextGuestWhenFirstIsKilled() throws Exception {
        try (HostPeer peer = openBothEnds()) {
            String unused = run("portsend 5 " + SIZE + " 14 >/tmp/sent & :");
            rig().awaitInGuest(PORT_IS_FULL, "port never fills");
            rig().guest().kill();

            rig().startNextGuest();

            HostPeer.Transfer stale = peer.receiveAll(QUIET);
            assertTrue(stale.bytes() < SIZE, "output of a dead guest should not go on");
            rig().openPort();
            rig().awaitPeer("up");
            assertBothWays(peer, 15);
        }
    }

    @Test
    void shouldRefuseSecondFrontEndWhenFirstIsServed() throws Exception {
        try (HostPeer peer = openBothEnds()) {
            Future<HostPeer.Transfer> received = rig().inBackground(() -> peer.receive(SIZE, TRANSFER));
            Console.Pending sending = rig().console().start("portsend 5 " + SIZE + " 16");

            for (int i = 0; i < 10; i++) {
                try (HostPeer second = HostPeer.connect(rig().vhostUserSocket(), SHORT)) {
                    second.awaitEnd(SHORT);
                }
            }

            Console.Result result = rig().console().finish(sending, TRANSFER);
            assertTransfer(16, SIZE, result.output());
            assertTransfer(16, SIZE, await(received));
            String line = "refused a second front-end \\(pid="
                    + ProcessHandle.current().pid();
            assertEquals(
                    10,
                    Pattern.compile(line)
                            .matcher(rig().daemon().log())
                            .results()
                            .count());
        }
    }

    @Test
    void shouldAnswerGuestAgentCommandsWhenAgentRuns() throws IOException {
        String agent = run("qemu-ga -m virtio-serial -p " + Rig.AGENT_PORT + " -t /run >/tmp/agent.log 2>&1 & echo $!");
        try (HostPeer peer = HostPeer.connect(rig().agentSocket(), SHORT)) {
            peer.send("{\"execute\": \"guest-ping\"}\n".getBytes(UTF_8), SHORT);
            assertEquals("{\"return\": {}}", peer.receiveLine(SHORT));
        }
        try (HostPeer next = HostPeer.connect(rig().agentSocket(), SHORT)) {
            next.send("{\"execute\": \"guest-info\"}\n".getBytes(UTF_8), SHORT);
            String info = next.receiveLine(SHORT);
            assertTrue(info.contains("\"name\": \"guest-ping\""), info);
            assertFalse(info.contains("\"error\""), info);
        }
        String unused = run("kill " + agent + "; wait " + agent + "; :");
    }
}
