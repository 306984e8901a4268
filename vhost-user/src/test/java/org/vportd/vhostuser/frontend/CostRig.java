package org.vportd.vhostuser.frontend;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.Options;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.daemon.LogThreshold;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.serial.PortNames;
import org.vportd.serial.PortOptions;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialListener;
import org.vportd.serial.SerialOptions;
import org.vportd.vhostuser.backend.BackendOptions;
import org.vportd.vhostuser.backend.VhostUserBackend;
import org.vportd.virtio.driver.QueueDriver;

/**
 * The whole way of a byte: a driver, its front-end, the back-end, the device, and two ports with a peer, one behind a UNIX
 * socket and one behind a pipe, whose room is known. All on one thread, and in a time that stands still, so that each run
 * does the same.
 */
final class CostRig implements AutoCloseable {
    /** The length of the buffers that the driver has posted for input. */
    static final int INPUT_BUFFER = 1024;

    /** What a pipe holds. */
    static final int PIPE_BYTES = 65536;

    private static final int QUEUE_SIZE = 256;
    private static final int PEER_BUFFER = 1 << 18;
    private static final long PATIENCE_MS = TimeUnit.SECONDS.toMillis(20);

    private final EventLoop loop = EventLoop.open(() -> 0);
    private final Deque<Runnable> opened = new ArrayDeque<>();
    private final ConsoleDriver driver;
    private final End socket;
    private final End pipe;
    private final long peerBuffer = NativeMemory.allocate(PEER_BUFFER);
    private final long output;
    private final long tables;

    /** A port with its peer. */
    record End(ConsolePort port, Fd peer) {}

    CostRig(Path directory, RingFormat format, boolean eventIdx) throws Exception {
        LogThreshold.errorsOnly();
        Path vhost = directory.resolve("vhost");
        Path peerPath = directory.resolve("peer");
        Path pipePath = directory.resolve("pipe");
        Posix.makeFifo(pipePath + ".in", 0600);
        Posix.makeFifo(pipePath + ".out", 0600);
        Chardevs chardevs = BuiltinTypes.table(loop, ChardevServices.NONE);
        opened.push(chardevs::close);
        SerialOptions serial = SerialOptions.defaults().withMaxPorts(3).withRings(format.packed(), format.inOrder());
        SerialDevice device = new SerialDevice(loop, serial, new PortNames(), SerialListener.NONE);
        opened.push(device::close);
        device.addPort(channel(), chardev(chardevs, "socket,id=c1,path=" + peerPath + ",server=on,wait=off"));
        device.addPort(channel(), chardev(chardevs, "pipe,id=c2,path=" + pipePath));
        Fd listener = Sockets.listenUnix(vhost.toString(), 1);
        VhostUserBackend backend = new VhostUserBackend(loop, device, BackendOptions.defaults(), listener, () -> {});
        opened.push(backend::close);
        Fd socketPeer = own(Sockets.connectUnix(peerPath.toString()));
        Fd pipePeer = own(Posix.open(pipePath + ".out", Posix.O_RDONLY | Posix.O_NONBLOCK, 0));

        Thread thread = new Thread(loop::run, "loop"); // only as long as the front-end waits for answers
        thread.start();
        ConsoleOptions options = ConsoleOptions.linux()
                .withFormat(format)
                .withQueueSize(QUEUE_SIZE)
                .withBufferBytes(INPUT_BUFFER);
        try {
            driver = ConsoleDriver.start(
                    vhost.toString(), FrontendOptions.of(Manner.QEMU), eventIdx ? options : options.withoutEventIdx());
            opened.push(driver::close);
            socket = end(1, socketPeer);
            pipe = end(2, pipePeer);
        } finally {
            loop.stop();
            thread.join(PATIENCE_MS);
        }
        output = driver.memory().allocate(PIPE_BYTES, 4096);
        tables = driver.memory().allocate(PIPE_BYTES, 4096);
        turn();
    }

    private Fd own(Fd fd) {
        opened.push(fd::close);
        return fd;
    }

    private static PortOptions channel() {
        return PortOptions.of(PortOptions.Type.VIRTSERIALPORT);
    }

    private static Chardev chardev(Chardevs chardevs, String text) throws Exception {
        Chardev made = chardevs.add(Options.parse(text, "backend", warning -> {}));
        if (made == null) {
            throw new AssertionError("no chardev: options=" + text);
        }
        return made;
    }

    private End end(int id, Fd peer) throws IOException {
        ConsolePort port = driver.awaitHostOpen(id);
        driver.open(id);
        return new End(port, peer);
    }

    End socket() {
        return socket;
    }

    End pipe() {
        return pipe;
    }

    /** Kicks of the two ports so far. */
    long kicks() {
        return kicks(socket) + kicks(pipe);
    }

    private static long kicks(End end) {
        return end.port().rx().kicks() + end.port().tx().kicks();
    }

    /** Has the device do all it can. This is what is counted. */
    void turn() {
        Tally.count(true);
        while (loop.turn(0) > 0) {
            // until the first turn that finds nothing, in whose place the daemon would go to sleep
        }
        Tally.count(false);
    }

    // --- the driver

    /** Adds chains for output, each of a number of buffers; in the ring itself or in tables. */
    void add(End end, int chains, int buffers, int bytes, boolean inTables) {
        QueueDriver ring = end.port().tx().driver();
        for (int i = 0; i < chains; i++) {
            for (int j = 0; j < buffers; j++) {
                ring.readable(output, bytes);
            }
            int id = ring.submit(inTables ? 0 : buffers, tables + (long) i * buffers * 16, 0);
            if (id == QueueDriver.FULL) {
                throw new AssertionError("ring is full: chains=" + i);
            }
        }
    }

    /** Takes chains back that the device has read. */
    void takeBack(End end, int chains) {
        take(end.port().tx().driver(), chains, 0);
    }

    /** Takes chains that the device has written, and posts them again. */
    void takeInput(End end, int chains, int bytes) throws IOException {
        QueueDriver ring = end.port().rx().driver();
        for (int i = 0; i < chains; i++) {
            take(ring, 1, bytes);
            int buffer = (int) ring.usedToken();
            ring.addWritable(end.port().rxBufferAddress(buffer), INPUT_BUFFER, buffer);
        }
        end.port().rx().publish();
    }

    private static void take(QueueDriver ring, int chains, int bytes) {
        for (int i = 0; i < chains; i++) {
            if (!ring.poll() || ring.usedBytes() != bytes) {
                throw new AssertionError("not returned as expected: chain=" + i + " of=" + chains);
            }
        }
    }

    // --- the peers

    /** The peer reads. */
    void receive(End end, int bytes) throws PosixException {
        int done = 0;
        while (done < bytes) {
            long n = Posix.read(end.peer(), peerBuffer, Math.min(PEER_BUFFER, bytes - done));
            if (n <= 0) {
                throw new AssertionError("peer has not got all: bytes=" + done + " of=" + bytes);
            }
            done += (int) n;
        }
    }

    /** The peer writes. */
    void send(End end, int bytes) throws PosixException {
        long n = Posix.write(end.peer(), peerBuffer, bytes);
        if (n != bytes) {
            throw new AssertionError("peer cannot write: bytes=" + n + " of=" + bytes);
        }
    }

    @Override
    public void close() {
        while (!opened.isEmpty()) {
            opened.pop().run();
        }
        loop.close();
        NativeMemory.free(peerBuffer);
    }
}
