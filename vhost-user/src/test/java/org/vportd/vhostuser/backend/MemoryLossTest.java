package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.Options;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.daemon.LogThreshold;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.Poll;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.serial.PortNames;
import org.vportd.serial.PortOptions;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialListener;
import org.vportd.serial.SerialOptions;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.MessageHeader;
import org.vportd.virtio.driver.DriverMemory;

/**
 * Memory files that get shorter while their memory is in use, under real devices on one loop thread: one of them has the
 * front-end that does it.
 *
 * <p>The JVM may tell of a lost page only some time after the access, and out of any other code of the loop: so the ring is
 * kicked, and the loop kept busy, until it has. The other front-end is silent meanwhile.
 */
@DisplayName("SEC-36, SEC-44")
@Timeout(60)
class MemoryLossTest {
    private static final int PATIENCE_MS = 20_000;
    private static final long LEFT_ALONE_NS = TimeUnit.MILLISECONDS.toNanos(300);
    private static final int TX = 1;
    private static final long MEMORY_BYTES = 1 << 20;

    @TempDir
    private Path directory;

    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private EventLoop loop;
    private Thread thread;
    private Chardevs chardevs;
    private Served victim;
    private Served bystander;

    static {
        LogThreshold.errorsOnly();
    }

    /** A device with a console, and its back-end. */
    private final class Served {
        private final Path path;
        private final SerialDevice device;
        private final VhostUserBackend backend;
        private final AtomicInteger sessionsEnded = new AtomicInteger();

        Served(String name) throws Exception {
            path = directory.resolve(name);
            device = new SerialDevice(
                    loop, SerialOptions.defaults().withMaxPorts(1), new PortNames(), SerialListener.NONE);
            // A ringbuf copies what it is given itself, so that it is the JVM which meets what is gone.
            Chardev console = chardevs.add(Options.parse("ringbuf,id=" + name, "backend", warning -> {}));
            device.addPort(PortOptions.of(PortOptions.Type.VIRTCONSOLE), console);
            backend = new VhostUserBackend(
                    loop,
                    device,
                    BackendOptions.defaults(),
                    Sockets.listenUnix(path.toString(), 4),
                    sessionsEnded::incrementAndGet);
        }

        RawFrontend connect() throws IOException {
            Fd connection = Sockets.connectUnix(path.toString());
            return new RawFrontend(connection, () -> await(connection));
        }

        void close() {
            backend.close();
            device.close();
        }
    }

    @BeforeEach
    void open() throws Exception {
        loop = EventLoop.open();
        chardevs = BuiltinTypes.table(loop, ChardevServices.NONE);
        victim = new Served("victim");
        bystander = new Served("bystander");
        thread = new Thread(loop::run, "loop");
        thread.setUncaughtExceptionHandler((t, e) -> failure.set(e));
        thread.start();
    }

    @AfterEach
    void close() throws Exception {
        loop.stop();
        thread.join(PATIENCE_MS);
        Throwable cause = failure.get();
        if (cause != null) {
            throw new AssertionError("the loop has died", cause);
        }
        victim.close();
        bystander.close();
        chardevs.close();
        loop.close();
    }

    /** Waits until there is something to read. */
    private static void await(Fd fd) {
        try {
            assertTrue(Poll.await(fd, Poll.POLLIN, PATIENCE_MS) != 0, "nothing comes");
        } catch (PosixException e) {
            throw new AssertionError(e);
        }
    }

    private static TestGuest guest() throws Exception {
        return new TestGuest(DriverMemory.open(List.of(new DriverMemory.Range(0x10_0000, MEMORY_BYTES)), false), 2);
    }

    private static void run(RawFrontend frontend, TestGuest guest) throws Exception {
        frontend.negotiate(BackendRig.PROTOCOL);
        frontend.run(guest);
    }

    /** What the guest puts out is taken, and the session answers. */
    private static void assertServed(RawFrontend frontend, TestGuest guest) throws Exception {
        TestGuest.Ring ring = guest.ring(TX);
        ring.takeCall();
        ring.write("output");
        await(ring.call.fd());
        assertEquals(1, ring.takeUsed());
        frontend.assertServed();
    }

    /** Kicks until the session has ended; later on, with large messages in between. */
    private void awaitEnd(TestGuest guest, RawFrontend frontend) throws Exception {
        byte[] large = RawFrontend.message(0, 1, RawFrontend.zeros(MessageHeader.MAX_PAYLOAD_BYTES));
        long start = System.nanoTime();
        while (victim.sessionsEnded.get() == 0) {
            long waitedNs = System.nanoTime() - start;
            assertTrue(waitedNs < TimeUnit.MILLISECONDS.toNanos(PATIENCE_MS), "session goes on without its memory");
            guest.ring(TX).kick.signal();
            if (waitedNs > LEFT_ALONE_NS && Poll.now(frontend.fd(), Poll.POLLOUT) == Poll.POLLOUT) {
                frontend.trySend(large); // fills the heap, on which the JVM looks after what it has left undone
            }
            Poll.await(frontend.fd(), Poll.POLLIN, 1);
        }
    }

    private interface Loss {
        void of(RawFrontend frontend, TestGuest guest) throws Exception;
    }

    /** One front-end loses its memory; the other, and the next one, are served. */
    private void assertOnlyThatSessionEnds(Loss loss) throws Exception {
        try (TestGuest good = guest();
                RawFrontend other = bystander.connect()) {
            run(other, good);
            assertServed(other, good);
            OpenResources before = OpenResources.now();
            try (TestGuest bad = guest();
                    RawFrontend frontend = victim.connect()) {
                run(frontend, bad);
                assertServed(frontend, bad);
                loss.of(frontend, bad);
                awaitEnd(bad, frontend);
                frontend.assertEnded();
            }
            assertEquals(before, OpenResources.now());
            assertServed(other, good);
            assertEquals(0, bystander.sessionsEnded.get());
            try (TestGuest next = guest();
                    RawFrontend frontend = victim.connect()) {
                run(frontend, next);
                assertServed(frontend, next);
            }
        }
    }

    @RepeatedTest(5)
    void shouldEndOnlyThatSessionWhenRingsAreGone() throws Exception {
        assertOnlyThatSessionEnds((frontend, guest) -> Posix.resize(guest.file(), 0));
    }

    @RepeatedTest(5)
    void shouldEndOnlyThatSessionWhenBuffersAreGone() throws Exception {
        assertOnlyThatSessionEnds((frontend, guest) -> {
            long gone = MEMORY_BYTES / 2;
            guest.ring(TX).driver.addReadable(guest.region().guestAddress() + gone, 4096, 0);
            guest.ring(TX).driver.publish();
            Posix.resize(guest.file(), gone);
        });
    }

    @Test
    void shouldEndOnlyThatSessionWhenMemoryIsGoneAtTheStartOfARing() throws Exception {
        assertOnlyThatSessionEnds((frontend, guest) -> {
            TestGuest.Ring ring = guest.ring(TX);
            frontend.stop(TX);
            Posix.resize(guest.file(), 0);
            frontend.trySend(RawFrontend.message(FrontendRequest.SET_VRING_KICK, false, ring.withFd()), ring.kick.fd());
        });
    }

    @Test
    void shouldStopRingsWhenFrontendLeavesAfterItsMemory() throws Exception {
        assertOnlyThatSessionEnds((frontend, guest) -> {
            Posix.resize(guest.file(), 0);
            Sockets.shutdownOutput(frontend.fd());
        });
    }
}
