package org.vportd.vhostuser.backend;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;
import org.vportd.loop.Watch;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.Poll;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.virtio.LimitedLog;
import org.vportd.virtio.VirtioDevice;

/**
 * Serves one device to one front-end at a time: takes connections in, refuses a second while one lasts, and is ready for
 * the next when it ends.
 */
public final class VhostUserBackend implements AutoCloseable {
    /** The most queues of a device that can be reached: descriptors for kicks and calls come with an 8-bit index. */
    public static final int MAX_QUEUES = 256;

    private static final System.Logger LOGGER = System.getLogger(VhostUserBackend.class.getName());
    private static final long ACCEPT_PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(200);

    private final EventLoop loop;
    private final VirtioDevice device;
    private final BackendOptions options;
    private final Runnable onSessionEnd;
    private final @Nullable Fd listener;
    private final LimitedLog log;
    private final LoopTimer acceptPause;
    private @Nullable Watch watch;
    private @Nullable VhostUserSession session;
    private long sessions;

    /**
     * Makes a back-end.
     *
     * @param listener a listening UNIX socket, owned from here on, or null if connections come only by {@link #serve}
     * @param onSessionEnd run after each session
     */
    public VhostUserBackend(
            EventLoop loop, VirtioDevice device, BackendOptions options, @Nullable Fd listener, Runnable onSessionEnd)
            throws PosixException {
        this.loop = loop;
        this.device = device;
        this.options = options;
        this.listener = listener;
        this.onSessionEnd = onSessionEnd;
        this.acceptPause = loop.timer(this::acceptAll);
        this.log = new LimitedLog(LOGGER, loop::nanoTime);
        if (listener != null) {
            watch = loop.watch(listener, Epoll.EPOLLIN | Epoll.EPOLLET, events -> acceptAll());
        }
    }

    private void acceptAll() {
        if (listener == null) {
            return;
        }
        try {
            for (Fd connection = Sockets.accept(listener); connection != null; connection = Sockets.accept(listener)) {
                serve(connection);
            }
        } catch (PosixException e) {
            log.warn("cannot accept a front-end: " + e.getMessage());
            acceptPause.start(ACCEPT_PAUSE_NS); // too many open files, for instance: it will not help to spin
        }
    }

    /** Whether front-ends can come by themselves. */
    public boolean isListening() {
        return listener != null;
    }

    /** Whether a front-end is being served. */
    public boolean isConnected() {
        return session != null;
    }

    /** Begins a session on a connection, which is owned from here on; refuses it if a session lasts. */
    public void serve(Fd connection) {
        try {
            String who = describe(connection);
            VhostUserSession current = session;
            if (current != null && (Poll.now(current.connection(), 0) & Poll.POLLHUP) != 0) {
                current.end("front-end has left");
                current = session;
            }
            if (current != null) {
                log.warn("refused a second front-end (" + who + "): " + current.name() + " is being served");
                connection.close();
                return;
            }
            VhostUserSession begun = begin(connection);
            session = begun;
            log.info(begun.name() + ": front-end connected (" + who + ")");
        } catch (IOException e) {
            log.warn("cannot serve a front-end: " + e.getMessage());
            connection.close();
        }
    }

    // --- handover

    /** Whether a handover finds the session in a state that it can leave it in; if not, it will soon. */
    public boolean isAtRest() {
        return session == null || session.isAtRest();
    }

    /**
     * Packs the session, if there is one, for {@link #takeOver} in another process. It stands still until {@link #goOn}, or
     * until this is closed.
     */
    public @Nullable Parcel pack() {
        return session == null ? null : session.pack();
    }

    /** The handover has failed: the session goes on here. */
    public void goOn() {
        if (session != null) {
            session.goOn();
        }
    }

    /**
     * Goes on with a session of another process.
     *
     * @throws IOException if that is not possible; the session has ended then
     */
    public void takeOver(Parcel from) throws IOException {
        Fd connection = from.takeFd("connection");
        if (connection == null) {
            throw new IOException("session cannot be taken over: there is no connection");
        }
        VhostUserSession taken = begin(connection);
        session = taken;
        taken.takeOver(from);
        log.info(taken.name() + ": taken over (" + describe(connection) + ")");
    }

    private VhostUserSession begin(Fd connection) throws IOException {
        sessions++;
        return new VhostUserSession(loop, connection, device, options, "session " + sessions, log, this::ended);
    }

    private static String describe(Fd connection) throws PosixException {
        Sockets.Peer peer = Sockets.peer(connection);
        return "pid=" + peer.pid() + " uid=" + peer.uid();
    }

    private void ended(VhostUserSession which) {
        if (session == which) {
            session = null;
            onSessionEnd.run();
        }
    }

    @Override
    public void close() {
        acceptPause.cancel();
        if (watch != null) {
            watch.close();
            watch = null;
        }
        if (listener != null) {
            listener.close();
        }
        if (session != null) {
            session.close();
        }
    }
}
