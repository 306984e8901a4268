package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.posix.EventFd;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.FrontendRequest;

/** Who is served and who is not. */
@Timeout(60)
class VhostUserBackendTest {
    @TempDir
    private Path directory;

    private BackendRig rig;
    private String path;

    @BeforeEach
    void open() throws Exception {
        path = directory.resolve("socket").toString();
        rig = new BackendRig(BackendOptions.defaults(), Path.of(path));
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private RawFrontend dial() throws Exception {
        return rig.speaker(Sockets.connectUnix(path));
    }

    private TestGuest run(RawFrontend frontend) throws Exception {
        TestGuest guest = rig.guest(1);
        frontend.negotiate(BackendRig.PROTOCOL);
        frontend.run(guest);
        return guest;
    }

    private void assertRunning(TestGuest guest, String text) throws Exception {
        String before = rig.device.text(0);
        guest.ring(0).write(text);
        rig.settle();
        assertEquals(before + text, rig.device.text(0));
        assertEquals(1, guest.ring(0).takeUsed());
    }

    @DisplayName("SEC-13")
    @Test
    void shouldRefuseSecondFrontendAndNotDisturbFirst() throws Exception {
        RawFrontend first = dial();
        TestGuest guest = run(first);
        OpenResources before = OpenResources.now();
        for (int i = 0; i < 20; i++) {
            RawFrontend second = dial();
            second.trySend(RawFrontend.message(FrontendRequest.SET_OWNER, false, RawFrontend.EMPTY));
            second.assertEnded();
            second.close();
            assertRunning(guest, "x");
        }
        first.assertServed();
        assertEquals(before, OpenResources.now());
        assertEquals(0, rig.sessionsEnded());
    }

    @DisplayName("SEC-13: the first has hung up, but that has not been noticed")
    @Test
    void shouldServeNextFrontendWhenFirstHasLeftUnnoticed() throws Exception {
        RawFrontend first = dial();
        run(first);
        RawFrontend second = dial(); // both are news of the same turn, and this one comes first
        first.close();
        rig.settle();
        second.assertServed();
        assertRunning(run(second), "second");
        assertEquals(1, rig.sessionsEnded());
    }

    @DisplayName("SEC-13: the same where the hang-up is known to nobody when the connection is handed over")
    @Test
    void shouldServeConnectionWhenFormerOneHasHungUp() throws Exception {
        RawFrontend first = rig.connectAndNegotiate();
        first.close(); // no turn of the loop in between
        RawFrontend second = rig.connect();
        second.assertServed();
        assertEquals(1, rig.sessionsEnded());
    }

    @Test
    void shouldServeNextFrontendWhenSessionHasEnded() throws Exception {
        for (int i = 0; i < 5; i++) {
            RawFrontend frontend = dial();
            TestGuest guest = run(frontend);
            assertRunning(guest, "x");
            frontend.close();
            rig.settle();
            assertFalse(rig.device.isRunning(0));
            assertEquals(i + 1, rig.sessionsEnded());
        }
    }

    @DisplayName("SEC-14")
    @Test
    void shouldLeaveNothingBehindWhenFrontendsComeAndGo() throws Exception {
        OpenResources before = OpenResources.now();
        for (int i = 0; i < 2000; i++) {
            Sockets.connectUnix(path).close();
            if (i % 10 == 9) {
                rig.settle();
            }
        }
        assertEquals(before, OpenResources.now());
        RawFrontend frontend = dial();
        assertRunning(run(frontend), "still served");
    }

    @DisplayName("SEC-14: with descriptors on the way")
    @Test
    void shouldLeaveNothingBehindWhenFrontendsLeaveInMidMessage() throws Exception {
        OpenResources before = OpenResources.now();
        byte[] whole = RawFrontend.message(FrontendRequest.ADD_MEM_REG, false, RawFrontend.zeros(40));
        try (EventFd event = EventFd.open(0)) {
            for (int i = 0; i < 100; i++) {
                RawFrontend frontend = dial();
                byte[] part = Arrays.copyOf(whole, 1 + i % (whole.length - 1));
                frontend.trySend(part, event.fd(), event.fd());
                if (i % 2 == 0) {
                    rig.settle();
                }
                frontend.close();
                rig.settle();
            }
        }
        assertEquals(before, OpenResources.now());
    }

    @Test
    void shouldEndSessionWhenBackendIsClosed() throws Exception {
        RawFrontend frontend = dial();
        run(frontend);
        rig.backend.close();
        frontend.assertEnded();
        assertEquals(1, rig.sessionsEnded());
        assertTrue(rig.device.takeEvents().contains("detach"));
    }
}
