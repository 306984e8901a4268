package org.vportd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/**
 * What a guest must be able to do whatever its rings and notifications are like: data under pressure both ways, and a
 * reboot.
 */
abstract class RingTests extends RigTests {
    RingTests(Rig.Starter starter, String deviceOptions) {
        super(starter, deviceOptions);
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
            rig().reboot();

            assertNotEquals(boot, run("cat /proc/sys/kernel/random/boot_id"));
            HostPeer.Transfer stale = peer.receiveAll(QUIET);
            assertTrue(stale.bytes() < SIZE, "output from before the reboot should not go on after it");
            rig().openPort();
            rig().awaitPeer("up");
            assertBothWays(peer, 13);
        }
    }
}
