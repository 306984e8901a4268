package org.vportd.daemon;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.backend.StdioChardev;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.loop.EventLoop;
import org.vportd.monitor.MonitorEnvironment;
import org.vportd.monitor.Monitors;
import org.vportd.monitor.NamedDescriptors;
import org.vportd.monitor.VersionInfo;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.serial.PortNames;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialPort;
import org.vportd.vhostuser.backend.VhostUserBackend;

/** The running program: one loop, the character devices, the device and its back-end. Loop thread only. */
final class Daemon implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(Daemon.class.getName());

    private final EventLoop loop;
    private final Deque<Closeable> opened = new ArrayDeque<>();
    private @Nullable DaemonServices services;
    private @Nullable Monitors monitors;

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
        NamedDescriptors descriptors = new NamedDescriptors();
        UserObjects objects = new UserObjects();
        services = new DaemonServices(loop, objects, descriptors, config.escape());
        for (Options object : config.objects()) {
            within("-object " + object, () -> objects.add(object));
        }
        Chardevs chardevs = BuiltinTypes.table(loop, services);
        opened.push(chardevs::close);
        opened.push(ProcessSignal.handle(loop, "CONT", () -> continued(chardevs))::close);
        opened.push(ProcessSignal.handle(loop, "WINCH", () -> windowChanged(chardevs))::close);
        SerialDevice device = new SerialDevice(loop, config.device().serial(), new PortNames(), this::guestOpened);
        opened.push(device::close);
        checkReach(device);
        DeviceTable devices = new DeviceTable(device, chardevs, this::deviceDeleted);
        Monitors made = monitors(config, chardevs, descriptors, objects, devices);
        opened.push(made::close);
        monitors = made;
        chardevs.observe(made::chardevEvent);
        for (ChardevConfig chardev : config.chardevs()) {
            within(chardev.source(), () -> addChardev(chardevs, chardev.options(), config.notices()));
        }
        while (chardevs.areAwaited() && !loop.isStopped()) {
            loop.turn(-1); // wait=on: nothing else begins before somebody has connected
        }
        for (MonitorConfig monitor : config.monitors()) {
            within(monitor.source(), () -> addMonitor(made, chardevs, monitor));
        }
        // After the monitors: who comes last to a multiplexer has what is typed, and that shall be the guest.
        for (PortConfig port : config.device().ports()) {
            within("-device " + port.source(), () -> devices.plug(port));
        }
        keep(config, device);
        listen(config, device);
    }

    private void keep(DaemonConfig config, SerialDevice device) throws StartException {
        String path = config.statePath();
        KeptState kept = path == null ? null : KeptState.open(loop, path, device);
        if (kept != null) {
            opened.push(kept::close);
            opened.push(device::keepNoMore); // with what the end of the session has changed
        }
    }

    private static void continued(Chardevs chardevs) {
        for (Chardev chardev : chardevs.all()) {
            if (chardev instanceof StdioChardev stdio) {
                stdio.reapply();
            }
        }
        windowChanged(chardevs); // perhaps it did while nobody heard of it
    }

    private static void windowChanged(Chardevs chardevs) {
        for (Chardev chardev : chardevs.all()) {
            if (chardev instanceof StdioChardev stdio) {
                stdio.windowChanged();
            }
        }
    }

    private interface Step {
        void run() throws ConfigException;
    }

    private static void within(String option, Step step) throws ConfigException {
        try {
            step.run();
        } catch (ConfigException e) {
            throw e.within(option);
        }
    }

    private static void checkReach(SerialDevice device) {
        if (device.queueCount() > VhostUserBackend.MAX_QUEUES) {
            LOGGER.log(
                    System.Logger.Level.WARNING,
                    "vhost-user reaches " + VhostUserBackend.MAX_QUEUES + " queues, which is 127 ports: max_ports="
                            + device.options().maxPorts());
        }
    }

    private static void addChardev(Chardevs chardevs, Options options, boolean notices) throws ConfigException {
        Chardev chardev = chardevs.add(options);
        if (notices) {
            chardev.notice().ifPresent(Console.err()::println);
        }
    }

    private static void addMonitor(Monitors monitors, Chardevs chardevs, MonitorConfig monitor) throws ConfigException {
        Chardev chardev = chardevs.find(monitor.chardev());
        if (chardev == null) {
            throw new ConfigException("chardev \"" + monitor.chardev() + "\" not found");
        }
        switch (monitor.mode()) {
            case CONTROL -> monitors.addQmp(chardev, monitor.pretty());
            case READLINE -> monitors.addHuman(chardev);
        }
    }

    private Monitors monitors(
            DaemonConfig config,
            Chardevs chardevs,
            NamedDescriptors descriptors,
            UserObjects objects,
            DeviceTable devices) {
        return new Monitors(new MonitorEnvironment(
                loop,
                chardevs,
                descriptors,
                devices,
                new ObjectTable(objects),
                devices,
                loop::stop,
                VersionInfo.of(Version.program()),
                config.name()));
    }

    private void guestOpened(SerialPort port, boolean open) {
        if (monitors != null) {
            monitors.portChanged(port.options().deviceId(), open);
        }
    }

    private void deviceDeleted(@Nullable String id, String path) {
        if (monitors != null) {
            monitors.deviceDeleted(id, path);
        }
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

    /** Serves until the loop is stopped, and answers what the program is to exit with. */
    int run() {
        loop.run();
        return services == null ? 0 : services.exitStatus();
    }

    /** Tells monitors why everything is about to be closed. */
    void endedBySignal() {
        if (monitors != null) {
            monitors.endedBySignal();
        }
    }

    /** Ends the session and lets go of everything outside, sockets and links in the file system included. */
    @Override
    public void close() {
        while (!opened.isEmpty()) {
            opened.pop().close();
        }
    }
}
