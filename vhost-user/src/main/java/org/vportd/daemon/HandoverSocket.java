package org.vportd.daemon;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.handover.Parcel;
import org.vportd.handover.ParcelSocket;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;
import org.vportd.loop.Standstill;
import org.vportd.loop.Watch;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.virtio.LimitedLog;

/**
 * Where another process comes to take this one's place. First loop's thread only, all others stand still meanwhile.
 *
 * <pre>{@code
 *   this process                         the other one
 *     everything it holds  ---------->     builds the same from it, and does nothing yet
 *                          <----------   "ready", or why not
 *     "go", and ends       ---------->     goes on
 * }</pre>
 */
final class HandoverSocket implements AutoCloseable {
    /** How long each side waits for the other. */
    static final int PATIENCE_MS = 10_000;

    private static final System.Logger LOGGER = System.getLogger(HandoverSocket.class.getName());
    private static final long RETRY_NS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final int MAX_RETRIES = 200;

    private final FrontendSocket socket;
    private final Watch watch;
    private final LoopTimer retry;
    private final Giver giver;
    private final Standstill standstill;
    private final LimitedLog log;
    private @Nullable Fd waiting;
    private int retries;

    /** What is handed over. */
    interface Giver {
        /** Whether nothing is half done. If not, it will be soon. */
        boolean isAtRest();

        /** Packs everything; from here on nothing moves. */
        Parcel pack();

        /** It has failed: everything goes on here. */
        void goOn();

        /** It has succeeded: nothing here may touch anything any more. */
        void handedOver();
    }

    /** Listens from here on. */
    HandoverSocket(EventLoop loop, FrontendSocket socket, Standstill standstill, Giver giver) throws PosixException {
        this.socket = socket;
        this.giver = giver;
        this.standstill = standstill;
        this.log = new LimitedLog(LOGGER, loop::nanoTime);
        this.retry = loop.timer(this::attemptAtStandstill);
        this.watch = loop.watch(socket.fd(), Epoll.EPOLLIN, events -> accept());
    }

    /** The listening socket, still owned by this object. */
    Fd fd() {
        return socket.fd();
    }

    /** From here on it is another process that listens. */
    void handedOver() {
        socket.handedOver();
    }

    private void accept() {
        try {
            Fd connection = Sockets.accept(socket.fd());
            if (connection == null) {
                return;
            }
            int uid = Sockets.peer(connection).uid();
            if (waiting != null || (uid != 0 && uid != Posix.effectiveUser())) {
                log.warn("handover refused: " + (waiting == null ? "uid=" + uid : "another one is under way"));
                connection.close();
                return;
            }
            waiting = connection;
            retries = 0;
            attemptAtStandstill();
        } catch (PosixException e) {
            log.warn("handover has failed: " + e.getMessage());
        }
    }

    private void attemptAtStandstill() {
        standstill.during(this::attempt);
    }

    private void attempt() {
        Fd connection = waiting;
        if (connection == null) {
            return;
        }
        if (!giver.isAtRest() && retries++ < MAX_RETRIES) {
            retry.start(RETRY_NS);
            return;
        }
        waiting = null;
        try (ParcelSocket other = new ParcelSocket(connection, PATIENCE_MS)) {
            int pid = Sockets.peer(connection).pid();
            if (!giver.isAtRest()) {
                throw new IOException("a front-end does not finish its message");
            }
            handOver(other);
            LOGGER.log(System.Logger.Level.INFO, "everything is handed over: pid=" + pid);
        } catch (IOException e) {
            log.warn("handover has failed, everything goes on here: " + e.getMessage());
        }
    }

    private void handOver(ParcelSocket other) throws IOException {
        Parcel everything = giver.pack();
        boolean done = false;
        try {
            other.send(everything);
            try (Parcel answer = other.receive()) {
                if (!answer.flag("ready")) {
                    throw new IOException("the other process: " + answer.text("error"));
                }
            }
            other.send(new Parcel().put("go", true));
            done = true;
        } finally {
            if (done) {
                giver.handedOver();
            } else {
                giver.goOn();
            }
        }
    }

    @Override
    public void close() {
        retry.cancel();
        watch.close();
        socket.close();
        socket.fd().close();
        if (waiting != null) {
            waiting.close();
            waiting = null;
        }
    }
}
