package org.vportd.daemon;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.backend.StdioChardev;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.serial.PortNames;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialListener;
import org.vportd.vhostuser.backend.VhostUserBackend;

/** The running program: one loop, the character devices, the device and its back-end. Loop thread only. */
final class Daemon implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(Daemon.class.getName());

    private final EventLoop loop;
    private final Deque<Closeable> opened = new ArrayDeque<>();

    private interface Closeable extends AutoCloseable {
        @Override
        void close();
    }

    private Daemon(EventLoop loop) {
        this.loop = loop;
    }

    /**
     * Opens everything; front-ends can connect once this returns. Nothing stays open if it fails.
     *
     * @throws ConfigException if an option cannot be honoured
     * @throws StartException if the system refuses something
     */
    static Daemon start(EventLoop loop, DaemonConfig config) throws ConfigException, StartException {
        Daemon daemon = new Daemon(loop);
        boolean complete = false;
        try {
            daemon.open(config);
            complete = true;
            return daemon;
        } finally {
            if (!complete) {
                daemon.close();
            }
        }
    }

    private void open(DaemonConfig config) throws ConfigException, StartException {
        Chardevs chardevs = BuiltinTypes.table(loop, ChardevServices.NONE);
        opened.push(chardevs::close);
        opened.push(ContinueSignal.handle(loop, () -> continued(chardevs))::close);
        SerialDevice device = new SerialDevice(loop, config.device().serial(), new PortNames(), SerialListener.NONE);
        opened.push(device::close);
        if (device.queueCount() > VhostUserBackend.MAX_QUEUES) {
            LOGGER.log(
                    System.Logger.Level.WARNING,
                    "vhost-user reaches " + VhostUserBackend.MAX_QUEUES + " queues, which is 127 ports: max_ports="
                            + config.device().serial().maxPorts());
        }
        for (Options options : config.chardevs()) {
            try {
                Chardev chardev = chardevs.add(options);
                if (config.notices()) {
                    chardev.notice().ifPresent(Console.err()::println);
                }
            } catch (ConfigException e) {
                throw e.within("-chardev " + options);
            }
        }
        while (chardevs.areAwaited() && !loop.isStopped()) {
            loop.turn(-1); // wait=on: nothing else begins before somebody has connected
        }
        for (DeviceConfig.PortConfig port : config.device().ports()) {
            try {
                device.addPort(port.options(), find(chardevs, port));
            } catch (ConfigException e) {
                throw e.within("-device " + port.source());
            }
        }
        listen(config, device);
    }

    private static void continued(Chardevs chardevs) {
        for (Chardev chardev : chardevs.all()) {
            if (chardev instanceof StdioChardev stdio) {
                stdio.reapply();
            }
        }
    }

    private static @Nullable Chardev find(Chardevs chardevs, DeviceConfig.PortConfig port) throws ConfigException {
        String id = port.chardev();
        Chardev chardev = id == null ? null : chardevs.find(id);
        if (id != null && chardev == null) {
            throw new ConfigException(
                    "Property '" + port.options().type().optionName() + ".chardev' can't find value '" + id + "'");
        }
        return chardev;
    }

    private void listen(DaemonConfig config, SerialDevice device) throws StartException {
        Integer number = config.fd();
        String path = config.socketPath();
        FrontendSocket socket = number != null
                ? FrontendSocket.inherit(number)
                : FrontendSocket.bind(String.valueOf(path), config.socketMode());
        boolean listening = socket.isListening();
        Fd listener = listening ? socket.fd() : null;
        Runnable atSessionEnd = config.once() || !listening ? loop::stop : () -> {};
        try {
            VhostUserBackend backend =
                    new VhostUserBackend(loop, device, config.device().backend(), listener, atSessionEnd);
            opened.push(backend::close);
            opened.push(socket::close); // first: while the socket lives, no other file can be taken for it
            if (!listening) {
                backend.serve(socket.fd());
            } else if (path != null) {
                LOGGER.log(System.Logger.Level.INFO, "listening on " + path);
                if (config.notices()) {
                    Notices.howToConnect(path, device);
                }
            }
        } catch (PosixException e) {
            throw new StartException("cannot watch the socket for front-ends: " + e.getMessage());
        }
    }

    /** Serves until the loop is stopped. */
    void run() {
        loop.run();
    }

    /** Ends the session and lets go of everything outside, sockets and links in the file system included. */
    @Override
    public void close() {
        while (!opened.isEmpty()) {
            opened.pop().close();
        }
    }
}
