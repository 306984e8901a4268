package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;
import org.vportd.virtio.driver.DriverMemory;

/**
 * Sessions as any front-end has them, with messages changed, repeated, left out, in another order, and with descriptors of
 * the wrong kind. A failure names its seed; {@code -Dvportd.seed=N} begins with the same session, and {@code
 * -Dvportd.fuzz.sessions=N} makes more of them.
 */
@Timeout(3600)
class SessionFuzzTest {
    private static final String SEED_PROPERTY = "vportd.seed";
    private static final int SESSIONS = Integer.getInteger("vportd.fuzz.sessions", 200);
    private static final int SESSIONS_PER_CHECK = 20;
    private static final int PATIENCE_S = 31;

    @TempDir
    private Path directory;

    @Test
    @DisplayName("G1 G3 (SEC-01 to SEC-67) whatever is said, the process and others live on, and nothing is left")
    void anyMessages() throws Exception {
        long first = Long.getLong(SEED_PROPERTY, System.nanoTime());
        try (HostileRig rig = new HostileRig(directory);
                WrongDescriptors wrong = new WrongDescriptors(directory)) {
            OpenResources before = OpenResources.now();
            for (int i = 0; i < SESSIONS; i++) {
                try {
                    session(rig, wrong, new SplittableRandom(first + i));
                    rig.assertNeighbourIsServed();
                    if (i % SESSIONS_PER_CHECK == SESSIONS_PER_CHECK - 1) {
                        rig.pass(PATIENCE_S); // what still waits for somebody gives up
                        assertEquals(before, OpenResources.now());
                    }
                } catch (Exception | Error e) {
                    throw new AssertionError("replay with -D" + SEED_PROPERTY + "=" + (first + i), e);
                }
            }
            assertEquals(before, OpenResources.now());
            assertTrue(rig.outputBytes() > 0, "no session came so far as to move data");
            assertIsUsable(rig);
        }
    }

    private static void session(HostileRig rig, WrongDescriptors wrong, SplittableRandom random) throws Exception {
        try (TestGuest guest = TestGuest.open(HostileRig.QUEUES, FuzzSession.features(random));
                RawFrontend frontend = rig.attack()) {
            FuzzSession fuzz = new FuzzSession(guest, wrong.all(), random);
            for (FuzzSession.Message message : fuzz.messages()) {
                message.send(frontend);
                if (random.nextInt(4) != 0) {
                    rig.settle();
                }
                if (random.nextInt(8) == 0) {
                    fuzz.play();
                    rig.talk();
                }
                while (random.nextInt(20) != 0 && frontend.receive() != null) {
                    // replies, right and wrong
                }
            }
            fuzz.play();
            rig.talk();
            if (random.nextInt(8) == 0) {
                rig.pass(PATIENCE_S);
            }
        } catch (PosixException e) {
            rig.settle(); // the session has been ended by the other side
        }
        rig.settle();
    }

    /** After all this a front-end that behaves has its memory taken and its ring served. */
    private static void assertIsUsable(HostileRig rig) throws Exception {
        try (TestGuest guest = TestGuest.open(2, 0);
                RawFrontend frontend = rig.attack()) {
            frontend.negotiate(BackendRig.PROTOCOL);
            frontend.run(guest); // a driver of one port: what it writes goes to the console
            rig.talk();
            long before = rig.outputBytes();
            guest.ring(1).write("still here");
            rig.settle();
            rig.talk();
            assertEquals(before + 10, rig.outputBytes());
            assertEquals(1, guest.ring(1).takeUsed());
        }
    }

    /** What a driver writes into its memory, where and how it pleases. */
    static void scribble(DriverMemory memory, SplittableRandom random, int words) {
        DriverMemory.Region region = memory.regions().get(0);
        for (int i = 0; i < words; i++) {
            long at = region.userAddress() + 2L * random.nextInt(8192);
            NativeMemory.putShort(at, (short) (random.nextBoolean() ? random.nextInt(16) : random.nextInt()));
        }
    }
}
