package org.vportd.chardev.socket;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;
import org.vportd.loop.Watch;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/**
 * A listening socket that accepts only while it is told to; clients wait in the kernel's queue otherwise. When descriptors
 * have run out it pauses by itself for a second.
 */
final class Listener implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Listener.class.getName());
    private static final long BACK_OFF_NS = TimeUnit.SECONDS.toNanos(1);

    private final EventLoop loop;
    private final ListeningSocket socket;
    private final LoopTimer backOff;
    private final Consumer<Fd> accepted;
    private @Nullable Watch watch;
    private boolean failing;

    /**
     * Takes over a socket; accepts nothing until {@link #resume}.
     *
     * @param accepted given each connection, which it then owns
     */
    Listener(EventLoop loop, ListeningSocket socket, Consumer<Fd> accepted) {
        this.loop = loop;
        this.socket = socket;
        this.accepted = accepted;
        this.backOff = loop.timer(this::resume);
    }

    /** The socket, still owned by this object. */
    ListeningSocket socket() {
        return socket;
    }

    /** Accepts from now on. */
    void resume() {
        if (watch != null) {
            return;
        }
        try {
            watch = loop.watch(socket.fd(), Epoll.EPOLLIN, events -> accept());
        } catch (PosixException e) {
            failed(e);
        }
    }

    /** Leaves clients in the queue from now on. */
    void pause() {
        backOff.cancel();
        if (watch != null) {
            watch.close();
            watch = null;
        }
    }

    private void accept() {
        try {
            Fd connection = Sockets.accept(socket.fd());
            failing = false;
            if (connection != null) {
                accepted.accept(connection);
            }
        } catch (PosixException e) {
            failed(e);
        }
    }

    private void failed(PosixException failure) {
        pause();
        backOff.start(BACK_OFF_NS); // the client is still there: without a pause the loop would spin
        if (!failing) {
            failing = true;
            LOG.log(
                    Level.WARNING,
                    "cannot accept, trying on: address=" + socket.description("tcp") + " error="
                            + failure.getMessage());
        }
    }

    @Override
    public void close() {
        pause();
        socket.close();
    }
}
