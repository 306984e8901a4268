package org.vportd.vhostuser.frontend;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.Options;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Sockets;
import org.vportd.serial.PortNames;
import org.vportd.serial.PortOptions;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialListener;
import org.vportd.serial.SerialOptions;
import org.vportd.vhostuser.backend.BackendOptions;
import org.vportd.vhostuser.backend.VhostUserBackend;

/**
 * The real back-end with a console (port 0), a generic port named org.test.0 (1), each on a UNIX socket, and a generic port
 * that nobody listens to (2); on a loop thread of its own.
 */
final class BackendFixture implements AutoCloseable {
    /** What the console keeps of its output, more than a socket takes. */
    static final int CONSOLE_BUFFER_BYTES = 1 << 20;

    private static final long PATIENCE_S = 20;

    final Path socket;
    final Path consolePeer;
    final Path portPeer;
    private final BackendOptions options;
    private final EventLoop loop;
    private final Chardevs chardevs;
    private final SerialDevice device;
    private final Thread thread;
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();

    BackendFixture(Path directory) throws Exception {
        this(directory, RingFormat.SPLIT);
    }

    /** One that offers rings of more formats. */
    BackendFixture(Path directory, RingFormat offered) throws Exception {
        this(directory, offered, BackendOptions.defaults());
    }

    BackendFixture(Path directory, RingFormat offered, BackendOptions options) throws Exception {
        this(directory, offered, options, 0);
    }

    /** One whose loop looks for work before it sleeps. */
    BackendFixture(Path directory, RingFormat offered, BackendOptions options, long pollBudgetNs) throws Exception {
        this.options = options;
        socket = directory.resolve("vhost");
        consolePeer = directory.resolve("p0");
        portPeer = directory.resolve("p1");
        loop = EventLoop.open();
        loop.setPollBudget(pollBudgetNs);
        chardevs = BuiltinTypes.table(loop, ChardevServices.NONE);
        opened.push(chardevs);
        SerialOptions serial = SerialOptions.defaults().withMaxPorts(4).withRings(offered.packed(), offered.inOrder());
        device = new SerialDevice(loop, serial, new PortNames(), SerialListener.NONE);
        opened.push(device);
        CompletableFuture<Boolean> started = new CompletableFuture<>();
        thread = new Thread(() -> run(started), "loop");
        thread.start();
        started.get(PATIENCE_S, TimeUnit.SECONDS);
    }

    private void run(CompletableFuture<Boolean> started) {
        try {
            open();
            started.complete(true);
            loop.run();
        } catch (Exception e) {
            started.completeExceptionally(e);
        }
        try {
            while (!opened.isEmpty()) {
                opened.pop().close();
            }
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        loop.close();
    }

    private void open() throws Exception {
        PortOptions console =
                new PortOptions(PortOptions.Type.VIRTCONSOLE, null, PortOptions.ANY_NR, null, CONSOLE_BUFFER_BYTES);
        device.addPort(console, addSocket("c0", consolePeer));
        device.addPort(
                PortOptions.of(PortOptions.Type.VIRTSERIALPORT).withName("org.test.0"), addSocket("c1", portPeer));
        device.addPort(PortOptions.of(PortOptions.Type.VIRTSERIALPORT), null);
        opened.push(new VhostUserBackend(loop, device, options, Sockets.listenUnix(socket.toString(), 1), () -> {}));
    }

    SerialDevice device() {
        return device;
    }

    /** Does something on the loop's thread and waits until it is done. */
    <T> T onLoop(Callable<T> action) throws Exception {
        FutureTask<T> task = new FutureTask<>(action);
        loop.post(task);
        return task.get(PATIENCE_S, TimeUnit.SECONDS);
    }

    /** Makes a chardev that listens at a path; on the loop's thread. */
    @Nullable
    Chardev addSocket(String id, Path path) throws Exception {
        String text = "socket,id=" + id + ",path=" + path + ",server=on,wait=off";
        return chardevs.add(Options.parse(text, "backend", warning -> {}));
    }

    @Override
    public void close() {
        loop.stop();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(PATIENCE_S));
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
        if (thread.isAlive()) {
            throw new AssertionError("loop does not stop");
        }
    }
}
