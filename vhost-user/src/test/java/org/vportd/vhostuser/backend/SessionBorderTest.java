package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.FEATURES;
import static org.vportd.vhostuser.backend.RawFrontend.u64;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.ConfigRange;
import org.vportd.vhostuser.protocol.FrontendRequest;

/** What goes wrong in one session stays there. */
@Timeout(60)
class SessionBorderTest {
    @TempDir
    private Path directory;

    /** Another device on the loop of a rig, and a front-end that behaves. */
    private static final class Neighbour implements AutoCloseable {
        private final BackendRig rig;
        private final RecordingDevice device = new RecordingDevice();
        private final VhostUserBackend backend;
        private final RawFrontend frontend;
        private final TestGuest guest;

        Neighbour(BackendRig rig) throws Exception {
            this.rig = rig;
            backend = new VhostUserBackend(rig.loop, device, BackendOptions.defaults(), null, () -> {});
            Fd[] pair = Sockets.pair();
            backend.serve(pair[1]);
            frontend = rig.speaker(pair[0]);
            guest = rig.guest(1);
            frontend.negotiate(BackendRig.PROTOCOL);
            frontend.run(guest);
        }

        void assertServed(String text) throws Exception {
            guest.ring(0).write(text);
            rig.settle();
            assertTrue(device.text(0).endsWith(text));
            frontend.assertServed();
        }

        @Override
        public void close() {
            backend.close();
            device.close();
        }
    }

    @DisplayName("SEC-104 G1 a bug met while a message or a ring is handled ends that session")
    @ParameterizedTest
    @ValueSource(strings = {"features 0x100000000", "start 0", "notify 0", "config 8 [65, 0, 0, 0]", "stop 0"})
    void bugEndsSession(String where) throws Exception {
        try (BackendRig rig = new BackendRig();
                Neighbour neighbour = new Neighbour(rig)) {
            OpenResources before = OpenResources.now();
            RawFrontend frontend = rig.connect();
            frontend.accepted(FrontendRequest.SET_PROTOCOL_FEATURES, u64(BackendRig.PROTOCOL));
            try (TestGuest guest = TestGuest.open(1, 0)) {
                TestGuest.Ring ring = guest.ring(0);
                frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES));
                frontend.run(guest);
                rig.device.failOn(where);
                switch (where.substring(0, 5)) {
                    case "featu" -> frontend.send(FrontendRequest.SET_FEATURES, u64(FEATURES));
                    case "start" -> {
                        frontend.enable(ring, false);
                        frontend.send(FrontendRequest.SET_VRING_ENABLE, ring.state(1));
                    }
                    case "notif" -> {
                        ring.write("x");
                        rig.settle();
                    }
                    case "stop " -> frontend.send(FrontendRequest.SET_VRING_ENABLE, ring.state(0));
                    default ->
                        frontend.send(
                                FrontendRequest.SET_CONFIG, new ConfigRange(8, 0, new byte[] {65, 0, 0, 0})::encode);
                }
                frontend.assertEnded();
                frontend.close();
            }
            assertEquals(1, rig.sessionsEnded());
            assertEquals(before, OpenResources.now());
            neighbour.assertServed("neighbour");
            rig.device.failOn("");
            rig.connectAndNegotiate().assertServed();
        }
    }

    @DisplayName("SEC-103 G1 a session for which there is no memory ends")
    @ParameterizedTest
    @ValueSource(strings = {"features 0x100000000", "notify 0"})
    void lackOfMemoryEndsSession(String where) throws Exception {
        try (BackendRig rig = new BackendRig();
                Neighbour neighbour = new Neighbour(rig)) {
            OpenResources before = OpenResources.now();
            RawFrontend frontend = rig.connectAndNegotiate();
            try (TestGuest guest = TestGuest.open(1, 0)) {
                frontend.run(guest);
                rig.device.failOn(where, true);
                guest.ring(0).write("x");
                rig.settle();
                frontend.trySend(RawFrontend.message(FrontendRequest.SET_FEATURES, false, u64(FEATURES)));
                frontend.assertEnded();
            } catch (PosixException gone) {
                assertEquals(Errno.EPIPE, gone.errno());
            }
            frontend.close();
            assertEquals(1, rig.sessionsEnded());
            assertEquals(before, OpenResources.now());
            neighbour.assertServed("neighbour");
        }
    }

    @DisplayName("SEC-102 no descriptors left: that session ends, the listener rests, others go on")
    @Test
    void noDescriptorsLeft() throws Exception {
        File log = Files.createTempFile(directory, "limit", ".log").toFile();
        String java = System.getProperty("java.home") + "/bin/java";
        List<String> program = List.of(
                java,
                "-XX:TieredStopAtLevel=1",
                "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                DescriptorLimit.class.getName(),
                directory.resolve("s").toString());
        Process process = new ProcessBuilder("sh", "-c", "ulimit -n 200; exec " + String.join(" ", program))
                .redirectErrorStream(true)
                .redirectOutput(log)
                .start();
        try {
            assertTrue(process.waitFor(40, TimeUnit.SECONDS), "does not end");
            assertEquals(0, process.exitValue(), () -> read(log));
        } finally {
            process.destroyForcibly();
        }
    }

    private static String read(File log) {
        try {
            return Files.readString(log.toPath());
        } catch (IOException e) {
            return e.toString();
        }
    }
}
