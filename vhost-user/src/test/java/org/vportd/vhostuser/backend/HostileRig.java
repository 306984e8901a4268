package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.Closeable;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
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
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.serial.PortNames;
import org.vportd.serial.PortOptions;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialListener;
import org.vportd.serial.SerialOptions;

/**
 * A console device to be attacked, whose two ports have peers that talk and listen, and on the same loop another back-end
 * with a front-end that behaves. The test turns the loop. When it is closed nothing may be left.
 */
final class HostileRig implements AutoCloseable {
    /** The queues of two ports and of control messages. */
    static final int QUEUES = 6;

    private static final int MAX_TURNS = 64;
    private static final byte[] INPUT = "what a host types\r\n".getBytes(StandardCharsets.US_ASCII);

    private final OpenResources before;
    private final Deque<Closeable> opened = new ArrayDeque<>();
    private final EventLoop loop;
    private final VhostUserBackend attacked;
    private final RecordingDevice quietDevice = new RecordingDevice();
    private final RawFrontend neighbour;
    private final TestGuest neighbourGuest;
    private final SocketChannel[] peers;
    private final ByteBuffer output = ByteBuffer.allocateDirect(1 << 16);
    private long nowNs;
    private long outputBytes;
    private int checks;

    static {
        LogThreshold.errorsOnly();
        try (EventLoop loop = EventLoop.open()) {
            loop.turn(0); // the native library is loaded now, and not counted as something left
        } catch (PosixException e) {
            throw new IllegalStateException(e);
        }
    }

    HostileRig(Path directory) throws Exception {
        try (SocketChannel loaded = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            assertTrue(loaded.isOpen()); // so are the channels of the class library
        }
        before = OpenResources.now();
        loop = EventLoop.open(() -> nowNs);
        opened.push(loop::close);
        Chardevs chardevs = BuiltinTypes.table(loop, ChardevServices.NONE);
        opened.push(chardevs::close);
        SerialOptions options = SerialOptions.defaults().withMaxPorts(2).withRings(true, true);
        SerialDevice device = new SerialDevice(loop, options, new PortNames(), SerialListener.NONE);
        opened.push(device::close);
        Path[] paths = {directory.resolve("p0"), directory.resolve("p1")};
        device.addPort(PortOptions.of(PortOptions.Type.VIRTCONSOLE), socket(chardevs, "c0", paths[0]));
        device.addPort(PortOptions.of(PortOptions.Type.VIRTSERIALPORT).withName("a"), socket(chardevs, "c1", paths[1]));
        attacked = new VhostUserBackend(loop, device, new BackendOptions(true, true), null, () -> {});
        opened.push(attacked::close);
        opened.push(quietDevice::close);
        VhostUserBackend quiet = new VhostUserBackend(loop, quietDevice, BackendOptions.defaults(), null, () -> {});
        opened.push(quiet::close);
        peers = new SocketChannel[] {connect(paths[0]), connect(paths[1])};
        neighbour = connect(quiet);
        opened.push(neighbour::close);
        neighbourGuest = TestGuest.open(1, 0);
        opened.push(neighbourGuest::close);
        neighbour.negotiate(BackendRig.PROTOCOL);
        neighbour.run(neighbourGuest);
    }

    private static Chardev socket(Chardevs chardevs, String id, Path path) throws Exception {
        String text = "socket,id=" + id + ",path=" + path + ",server=on,wait=off";
        return chardevs.add(Options.parse(text, "backend", warning -> {}));
    }

    private SocketChannel connect(Path path) throws IOException {
        SocketChannel peer = SocketChannel.open(UnixDomainSocketAddress.of(path));
        opened.push(peer);
        peer.configureBlocking(false);
        settle();
        return peer;
    }

    private RawFrontend connect(VhostUserBackend backend) throws PosixException {
        Fd[] pair = Sockets.pair();
        backend.serve(pair[1]);
        return new RawFrontend(pair[0], this::settle);
    }

    /** A front-end of the device that is attacked; the caller's to close. */
    RawFrontend attack() throws PosixException {
        return connect(attacked);
    }

    /** Turns the loop until it rests, but not for long: somebody may be kicking without end. */
    void settle() {
        int turns = 0;
        while (turns < MAX_TURNS && loop.turn(0) > 0) {
            turns++;
        }
    }

    /** Lets time pass, so that what waits for something is given up. */
    void pass(long seconds) {
        nowNs += TimeUnit.SECONDS.toNanos(seconds);
        settle();
    }

    /** The host's programs say something and read what has come. */
    void talk() throws IOException {
        for (SocketChannel peer : peers) {
            int unused = peer.write(ByteBuffer.wrap(INPUT));
            for (int n = peer.read(output.clear()); n > 0; n = peer.read(output.clear())) {
                outputBytes += n;
            }
        }
        settle();
    }

    /** How much the host's programs have received. */
    long outputBytes() {
        return outputBytes;
    }

    /** The other session has its data moved and its messages answered. */
    void assertNeighbourIsServed() throws Exception {
        neighbour.assertServed();
        String text = "<" + checks++ + ">";
        neighbourGuest.ring(0).write(text);
        settle();
        assertTrue(quietDevice.text(0).endsWith(text), "neighbour is not served");
        assertEquals(1, neighbourGuest.ring(0).takeUsed());
    }

    @Override
    public void close() throws IOException {
        while (!opened.isEmpty()) {
            opened.pop().close();
        }
        assertEquals(before, OpenResources.now());
    }
}
