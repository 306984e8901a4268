package org.vportd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a guest shall not notice of a handover. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 3, unit = TimeUnit.MINUTES)
abstract class TakeOverTests {
    private static final Duration TRANSFER = Duration.ofSeconds(40);
    private static final long SIZE = GuestTests.SIZE;

    @RegisterExtension
    final KeptRig kept;

    TakeOverTests(Rig.Starter starter) {
        kept = new KeptRig(
                starter, dir -> List.of("--handover", dir.resolve("handover").toString()));
    }

    private Rig rig() {
        return kept.rig();
    }

    private String run(String command) {
        return rig().console().run(command, TRANSFER);
    }

    @Test
    @DisplayName("streams in both directions and the console go on over three daemons")
    void goesOnOverSeveralDaemons() throws Exception {
        rig().openPort();
        try (HostPeer peer = rig().connectPeer()) {
            rig().awaitPeer("up");
            String sender = run("portsend 5 " + SIZE + " 3 >/tmp/sent & echo $!");
            Future<HostPeer.Transfer> received = rig().inBackground(() -> peer.receive(SIZE, TRANSFER));
            rig().takeOver();
            assertEquals("4", run("echo $((2 + 2))"));
            rig().takeOver();
            RigTests.assertTransfer(3, SIZE, run("wait " + sender + "; cat /tmp/sent"));
            RigTests.assertTransfer(3, SIZE, RigTests.await(received));

            Future<String> sent = rig().inBackground(() -> peer.send(SIZE, 4, TRANSFER));
            String receiver = run("portrecv 5 " + SIZE + " >/tmp/received & echo $!");
            rig().takeOver();
            RigTests.assertTransfer(4, SIZE, run("wait " + receiver + "; cat /tmp/received"));
            assertEquals(RigTests.pattern(4, SIZE), RigTests.await(sent));
        }
        rig().awaitPeer("down");
    }
}
