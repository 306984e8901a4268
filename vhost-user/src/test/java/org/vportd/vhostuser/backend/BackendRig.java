package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_BACKEND_REQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIG;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_DEVICE_STATE;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_LOG_SHMFD;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_MQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_REPLY_ACK;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_RESET_DEVICE;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_STATUS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.daemon.LogThreshold;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/**
 * A back-end with a {@link RecordingDevice} on a loop that the test turns, at a time that the test sets. When it is closed
 * it has to be as it was at first: no descriptor and no mapping more.
 */
final class BackendRig implements AutoCloseable {
    /** All protocol features offered by default. */
    static final long PROTOCOL = mask(VHOST_USER_PROTOCOL_F_MQ)
            | mask(VHOST_USER_PROTOCOL_F_REPLY_ACK)
            | mask(VHOST_USER_PROTOCOL_F_BACKEND_REQ)
            | mask(VHOST_USER_PROTOCOL_F_CONFIG)
            | mask(VHOST_USER_PROTOCOL_F_RESET_DEVICE)
            | mask(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS)
            | mask(VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD)
            | mask(VHOST_USER_PROTOCOL_F_STATUS)
            | mask(VHOST_USER_PROTOCOL_F_LOG_SHMFD)
            | mask(VHOST_USER_PROTOCOL_F_DEVICE_STATE);

    private static final int MAX_TURNS = 100_000;
    private static final int BACKLOG = 16;

    final RecordingDevice device = new RecordingDevice();
    final EventLoop loop;
    final VhostUserBackend backend;
    private final Deque<Runnable> opened = new ArrayDeque<>();
    private final OpenResources before;
    private long nowNs;
    private Runnable whenTimeIsRead = () -> {};
    private int sessionsEnded;

    static {
        LogThreshold.errorsOnly();
        try (EventLoop loop = EventLoop.open()) {
            loop.turn(0); // the native library is loaded now, and not counted as something left
        } catch (PosixException e) {
            throw new IllegalStateException(e);
        }
    }

    BackendRig() throws IOException {
        this(BackendOptions.defaults());
    }

    BackendRig(BackendOptions options) throws IOException {
        this(options, null);
    }

    /** A rig that also takes connections at a path. */
    BackendRig(BackendOptions options, @Nullable Path path) throws IOException {
        before = OpenResources.now();
        Fd listener = path == null ? null : Sockets.listenUnix(path.toString(), BACKLOG);
        loop = EventLoop.open(this::time);
        backend = new VhostUserBackend(loop, device, options, listener, () -> sessionsEnded++);
    }

    int sessionsEnded() {
        return sessionsEnded;
    }

    /** A front-end with a connection that is served. */
    RawFrontend connect() throws PosixException {
        Fd[] pair = Sockets.pair();
        backend.serve(pair[1]);
        return speaker(pair[0]);
    }

    /** Somebody who speaks through a connection, which is closed with the rig. */
    RawFrontend speaker(Fd connection) {
        RawFrontend speaker = new RawFrontend(connection, this::settle);
        opened.push(speaker::close);
        return speaker;
    }

    /** One that has negotiated all that is offered by default. */
    RawFrontend connectAndNegotiate() throws Exception {
        RawFrontend frontend = connect();
        frontend.negotiate(PROTOCOL);
        return frontend;
    }

    TestGuest guest(int rings) throws PosixException {
        return guest(rings, 0);
    }

    /** One whose rings are as features have it. */
    TestGuest guest(int rings, long features) throws PosixException {
        TestGuest guest = TestGuest.open(rings, features);
        opened.push(guest::close);
        return guest;
    }

    /** Has a descriptor closed with the rig. */
    Fd own(Fd fd) {
        opened.push(fd::close);
        return fd;
    }

    /** Turns the loop until there is nothing to do. */
    void settle() {
        int turns = 0;
        while (loop.turn(0) > 0) {
            turns++;
            assertTrue(turns < MAX_TURNS, "loop does not come to rest");
        }
    }

    private long time() {
        whenTimeIsRead.run();
        return nowNs;
    }

    /** Turns the loop once; when it stops looking for work by itself, something happens right before. */
    void turnWhile(Runnable happening) {
        whenTimeIsRead = () -> {
            happening.run();
            nowNs += TimeUnit.SECONDS.toNanos(1);
        };
        try {
            loop.turn(1);
        } finally {
            whenTimeIsRead = () -> {};
        }
    }

    void pass(long seconds) {
        nowNs += TimeUnit.SECONDS.toNanos(seconds);
        settle();
    }

    @Override
    public void close() {
        while (!opened.isEmpty()) {
            opened.pop().run();
        }
        settle();
        backend.close();
        loop.close();
        device.close();
        assertEquals(before, OpenResources.now(), "something is left");
    }
}
