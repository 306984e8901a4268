package org.vportd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vportd.vhostuser.frontend.ConsoleDriver;
import org.vportd.vhostuser.frontend.ConsoleOptions;
import org.vportd.vhostuser.frontend.ConsolePort;
import org.vportd.vhostuser.frontend.FrontendOptions;
import org.vportd.vhostuser.frontend.Manner;
import org.vportd.vhostuser.frontend.RingFormat;
import org.vportd.vhostuser.frontend.VhostUserFrontend;
import org.vportd.vhostuser.protocol.ProtocolFeature;

/**
 * The daemon is killed in the middle of traffic and started again, and so is the connection of its front-end, while guest and
 * peer go on. {@code -Dvportd.kills=1000} has it killed so often.
 */
class KillIT {
    private static final int KILLS = Integer.getInteger("vportd.kills", 1);
    private static final int DROPS = 10 * KILLS;
    private static final int PORT = 1;
    private static final long NOTHING = -1;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Which rings, and what the front-end knows of them when it comes back. */
    enum Setting {
        SPLIT_NOTED(Manner.CLOUD_HYPERVISOR, false, true),
        SPLIT_FROM_AVAILABLE(Manner.CLOUD_HYPERVISOR, false, false),
        SPLIT_FROM_USED(Manner.QEMU, false, false),
        PACKED_NOTED(Manner.CLOUD_HYPERVISOR, true, true),
        PACKED_FROM_USED(Manner.QEMU, true, false);

        private final Manner manner;
        private final boolean packed;
        private final boolean noted;

        Setting(Manner manner, boolean packed, boolean noted) {
            this.manner = manner;
            this.packed = packed;
            this.noted = noted;
        }

        FrontendOptions options() {
            FrontendOptions usual = FrontendOptions.of(manner);
            return noted ? usual : usual.without(ProtocolFeature.VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD);
        }

        RingFormat format() {
            return new RingFormat(packed, false);
        }
    }

    @TempDir
    Path dir;

    /** All of them, if there is time for that. */
    static List<Setting> settings() {
        return KILLS > 1
                ? List.of(Setting.values())
                : List.of(Setting.SPLIT_NOTED, Setting.SPLIT_FROM_AVAILABLE, Setting.PACKED_FROM_USED);
    }

    @ParameterizedTest
    @MethodSource("settings")
    @DisplayName("Killed at any moment and started again, the daemon loses nothing of the guest's output")
    void goesOn(Setting setting) throws Exception {
        long seed = System.nanoTime();
        try (ReturningPeer peer = new ReturningPeer(dir.resolve("a"));
                Run run = new Run(setting, peer, new Random(seed))) {
            run.flow(1 << 20);
            for (int kill = 0; kill < KILLS; kill++) {
                run.kill();
            }
            long repeated = peer.repetitions();
            if (setting == Setting.SPLIT_FROM_AVAILABLE) {
                run.restart();
            }
            for (int drop = 0; drop < DROPS; drop++) {
                run.drop();
            }
            assertEquals(repeated, peer.repetitions(), "repetitions without a kill");
            run.assertUndisturbed();
            if (KILLS > 1) {
                System.out.println(setting + ": kills=" + KILLS + " drops=" + DROPS + " repetitions=" + repeated
                        + " max_repeated=" + peer.maxRepeated() + " bytes=" + peer.received());
            }
        } catch (AssertionError | IOException e) {
            throw new AssertionError(e.getMessage() + " seed=" + seed, e);
        }
    }

    /** A guest that writes and reads all the time, at a daemon that comes and goes. */
    private final class Run implements AutoCloseable {
        private final Setting setting;
        private final ReturningPeer peer;
        private final Random random;
        private final Path socket = dir.resolve("v");
        private final byte[] chunk = new byte[64 << 10];
        private final byte[] input = new byte[64 << 10];
        private final ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        private final ConsoleDriver guest;
        private final ConsolePort port;
        private DaemonProcess daemon;
        private long written;
        private int heard;
        private long wanted;
        private long words;
        private int controlMessages;

        Run(Setting setting, ReturningPeer peer, Random random) throws IOException {
            this.setting = setting;
            this.peer = peer;
            this.random = random;
            this.daemon = startDaemon();
            this.guest = ConsoleDriver.start(
                    socket.toString(), setting.options(), ConsoleOptions.linux().withFormat(setting.format()));
            this.port = guest.awaitHostOpen(PORT);
            guest.open(PORT);
            guest.await("console", () -> guest.port(0).isGuestOpen());
            listenAfter(0);
            controlMessages = guest.controlLog().size();
        }

        private DaemonProcess startDaemon() throws IOException {
            return DaemonProcess.start(
                    socket,
                    dir,
                    List.of(
                            "--state=" + dir.resolve("state"),
                            "-chardev",
                            "socket,id=a,path=" + dir.resolve("a") + ",server=on,wait=off",
                            "-chardev",
                            "null,id=n",
                            "-device",
                            "vhost-user-serial,max_ports=4,packed=" + (setting.packed ? "on" : "off"),
                            "-device",
                            "virtconsole,chardev=n",
                            "-device",
                            "virtserialport,chardev=a,name=org.test.0,nr=" + PORT));
        }

        /** Input is looked for that begins with the first word of a new connection. */
        private void listenAfter(int connection) {
            heard = connection;
            wanted = NOTHING;
            words = 0;
            word.clear();
        }

        /** Writes what fits and reads what is there. */
        private void exchange() throws IOException {
            int length = 1 + random.nextInt(chunk.length);
            for (int i = 0; i < length; i++) {
                chunk[i] = ReturningPeer.output(written + i);
            }
            written += port.write(chunk, 0, length);
            int n = port.read(input, 0, input.length);
            for (int i = 0; i < n; i++) {
                hear(input[i]);
            }
            peer.check();
        }

        private void hear(byte value) {
            word.put(value);
            if (word.hasRemaining()) {
                return;
            }
            long got = word.getLong(0);
            int connection = ReturningPeer.connectionOf(got);
            if (words == 0 && connection > heard) {
                heard = connection;
                wanted = got;
            }
            if (got == wanted) {
                wanted++;
                words++;
                word.clear();
            } else if (words > 0) {
                throw new AssertionError("input is not what was sent: word=0x" + Long.toHexString(got) + " wanted=0x"
                        + Long.toHexString(wanted));
            } else { // what an earlier connection brought; the word may begin anywhere
                word.position(1);
                word.compact();
            }
        }

        /** Goes on until so much more has arrived at the peer, and some at the guest. */
        void flow(long bytes) throws IOException {
            long output = peer.received() + bytes;
            long inputWords = words + 64;
            guest.await("output flows to " + output + ", input to " + inputWords + " words", () -> {
                exchange();
                return peer.received() >= output && words >= inputWords;
            });
        }

        private void flowFor(long nanos) throws IOException {
            boolean unused = guest.await(Duration.ofNanos(nanos), () -> {
                exchange();
                return false;
            });
        }

        void kill() throws IOException {
            flowFor(random.nextInt(40_000_000));
            daemon.kill(PATIENCE);
            startAgain();
        }

        /** The same in order. */
        void restart() throws IOException {
            flowFor(10_000_000);
            int status = daemon.terminate(PATIENCE);
            assertEquals(0, status, "exit status");
            startAgain();
        }

        private void startAgain() throws IOException {
            listenAfter(heard);
            try {
                flowFor(2_000_000);
            } catch (EOFException e) {
                // as it has to be
            }
            guest.disconnect();
            exchange(); // the guest does not know
            daemon = startDaemon();
            connect();
            flow(200_000);
        }

        void drop() throws IOException {
            flowFor(random.nextInt(4_000_000));
            int before = peer.connections();
            guest.disconnect();
            exchange();
            connect();
            flow(20_000);
            assertEquals(before, peer.connections(), "connections of the peer");
        }

        private void connect() throws IOException {
            guest.reconnect(VhostUserFrontend.connect(socket.toString(), setting.options()));
        }

        /** The driver has not been told of anything: its ports were open all the time. */
        void assertUndisturbed() throws IOException {
            for (int i = controlMessages; i < guest.controlLog().size(); i++) {
                assertEquals(
                        1,
                        guest.controlLog().get(i).value(),
                        guest.controlLog().get(i).toString());
            }
            assertTrue(port.isHostOpen());
            assertTrue(port.isGuestOpen());
            guest.await("all has arrived", () -> {
                int unused = port.read(input, 0, input.length);
                return port.isFlushed();
            });
            guest.await("peer has it", () -> {
                int unused = port.read(input, 0, input.length);
                return peer.received() == written;
            });
        }

        @Override
        public void close() throws IOException {
            guest.close();
            int status = daemon.terminate(PATIENCE);
            assertEquals(0, status, "exit status");
        }
    }
}
