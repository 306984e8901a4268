package org.vportd.chardev.layer;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.vportd.chardev.ByteStream;
import org.vportd.chardev.FdStream;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.TestLoop;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.testing.OpenDescriptors;

/** A loop, a server's port and what is spoken to those who connect; at its end no descriptor is open that was not before. */
final class LayerFixture implements AutoCloseable {
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(2);

    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private final List<String> log = new ArrayList<>();
    private final Logger root = Logger.getLogger("org.vportd.chardev");
    private final long descriptorsBefore;
    private final TestLoop loop;
    private final Fd listener;
    private final Handler logHandler = new Handler() {
        @Override
        public void publish(LogRecord entry) {
            log.add(entry.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    LayerFixture() throws IOException {
        new RecordingHandler().close(); // loads what would open descriptors of its own
        new Socket().close();
        try (TestLoop first = new TestLoop()) {
            first.settle();
        }
        descriptorsBefore = OpenDescriptors.count();
        loop = new TestLoop();
        listener = Sockets.listenTcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 8);
        root.addHandler(logHandler);
        root.setUseParentHandlers(false);
    }

    TestLoop loop() {
        return loop;
    }

    EventLoop eventLoop() {
        return loop.loop();
    }

    List<String> log() {
        return log;
    }

    <T extends AutoCloseable> T closing(T closeable) {
        opened.push(closeable);
        return closeable;
    }

    InetSocketAddress address() throws PosixException {
        return Objects.requireNonNull(Sockets.localAddress(listener));
    }

    /** A blocking client; {@link #accept} takes it at the other end. */
    Socket connect() throws IOException {
        InetSocketAddress at = address();
        return closing(new Socket(at.getAddress(), at.getPort()));
    }

    /** The connection that was made first of those not yet taken. */
    Fd accept() throws PosixException {
        Fd fd = Sockets.accept(listener);
        while (fd == null) {
            loop.loop().turn(1);
            fd = Sockets.accept(listener);
        }
        return fd;
    }

    /** Speaks protocols over a descriptor. */
    LayerChardev serve(Fd fd, UnaryOperator<ByteStream.Opener> protocols) throws PosixException {
        ByteStream.Opener connection = owner -> new FdStream(loop.loop(), fd, fd, owner);
        return closing(new LayerChardev(protocols.apply(connection)));
    }

    /** Attaches a front-end without credit. */
    RecordingHandler front(LayerChardev chardev) {
        return closing(new RecordingHandler()).attach(chardev);
    }

    /** Has something that blocks done by another thread while the loop turns. */
    <T> CompletableFuture<T> start(Callable<T> action) {
        CompletableFuture<T> done = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                done.complete(action.call());
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        return done;
    }

    @Override
    public void close() throws IOException {
        root.removeHandler(logHandler);
        root.setUseParentHandlers(true);
        for (AutoCloseable closeable : opened) {
            try {
                closeable.close();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
        loop.settle(); // whatever lingers meets the end of its peer
        listener.close();
        loop.close();
        long deadline = System.nanoTime() + PATIENCE_NS;
        while (OpenDescriptors.count() > descriptorsBefore && System.nanoTime() - deadline < 0) {
            Thread.onSpinWait(); // clients close in their own time
        }
        OpenDescriptors.assertNoneSince(descriptorsBefore);
    }
}
