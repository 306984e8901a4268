package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import org.vportd.posix.EventFd;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.FrontendRequest;

/** A program that runs out of descriptors while it serves; it has a process, and a limit, of its own. */
final class DescriptorLimit {
    private static final int TURNS = 500;
    private static final int FEW_TURNS = 20;

    private final Deque<EventFd> eaten = new ArrayDeque<>();
    private final String path;

    private DescriptorLimit(String path) {
        this.path = path;
    }

    /** Takes the path of a socket to make. */
    public static void main(String[] args) throws Exception {
        try (BackendRig rig = new BackendRig(BackendOptions.defaults(), Path.of(args[0]))) {
            DescriptorLimit limit = new DescriptorLimit(args[0]);
            PosixException unused =
                    assertThrows(PosixException.class, () -> Posix.unlink("/nothing/here")); // this class as well
            limit.run(rig, true); // once with all that is needed, as classes need descriptors to be loaded
            limit.run(rig, false);
        }
    }

    private void run(BackendRig rig, boolean plenty) throws Exception {
        int ended = rig.sessionsEnded();
        RawFrontend frontend = rig.speaker(Sockets.connectUnix(path));
        frontend.negotiate(BackendRig.PROTOCOL);
        TestGuest guest = rig.guest(1);
        Fd[] many = Collections.nCopies(8, guest.file()).toArray(Fd[]::new);
        if (plenty) {
            frontend.refused(FrontendRequest.SET_MEM_TABLE, guest.table(), many);
            frontend.sendBytes(RawFrontend.message(FrontendRequest.SET_OWNER.id(), 0, RawFrontend.EMPTY));
            frontend.assertEnded();
            frontend.close();
        } else {
            eatAllBut(3);
            frontend.send(FrontendRequest.SET_MEM_TABLE, guest.table(), many);
            frontend.assertEnded();
            frontend.close();
        }
        assertEquals(ended + 1, rig.sessionsEnded());

        eatAllBut(plenty ? 20 : 1);
        RawFrontend late = rig.speaker(Sockets.connectUnix(path)); // takes the last one
        int busy = 0;
        for (int i = 0; i < TURNS; i++) {
            busy += rig.loop.turn(0) > 0 ? 1 : 0;
        }
        assertTrue(busy < FEW_TURNS, "listener does not rest: turns=" + busy);
        while (!eaten.isEmpty()) {
            eaten.pop().close();
        }
        rig.pass(1);
        late.assertServed();
        late.close();
        rig.settle();
        assertEquals(ended + 2, rig.sessionsEnded());
    }

    private void eatAllBut(int left) throws PosixException {
        try {
            while (true) {
                eaten.push(EventFd.open(0));
            }
        } catch (PosixException full) {
            for (int i = 0; i < left; i++) {
                eaten.pop().close();
            }
        }
    }
}
