package org.vportd.guest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What any guest must be able to do with the device. */
abstract class GuestTests extends RingTests {
    GuestTests(Rig.Starter starter) {
        super(starter, "");
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
        long size = SIZE / 4; // QEMU takes its time for each buffer
        try (HostPeer peer = openBothEnds()) {
            Future<String> sent = rig().inBackground(() -> peer.send(size, 2, TRANSFER));

            assertTransfer(2, size, run("portrecv 5 " + size));

            assertEquals(pattern(2, size), await(sent));
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
