package org.vportd.daemon;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.backend.StdioChardev;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopGroup;
import org.vportd.monitor.MonitorEnvironment;
import org.vportd.monitor.Monitors;
import org.vportd.monitor.NamedDescriptors;
import org.vportd.monitor.VersionInfo;
import org.vportd.serial.PortNames;
import org.vportd.serial.SerialPort;
import org.vportd.serial.state.StateFile;

/** The running program: loops, character devices, devices and monitors. The first loop's thread only. */
final class Daemon implements AutoCloseable {
    private final EventLoop loop;
    private final LoopGroup loops;
    private final EventRelay relay;
    private final PortNames portNames = new PortNames();
    private final NamedDescriptors descriptors = new NamedDescriptors();
    private final Deque<Closeable> opened = new ArrayDeque<>();
    private @Nullable StateFile stateFile;
    private @Nullable DaemonServices services;
    private @Nullable Monitors monitors;

    private interface Closeable extends AutoCloseable {
        @Override
        void close();
    }

    private Daemon(EventLoop loop) {
        this.loop = loop;
        this.loops = new LoopGroup(loop);
        this.relay = new EventRelay(loop);
        opened.push(loops::close);
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
        openStateFile(config.statePath());
        UserObjects objects = new UserObjects();
        services = new DaemonServices(loop, objects, descriptors, config.escape());
        for (Options object : config.objects()) {
            within("-object " + object, () -> objects.add(object));
        }
        Chardevs chardevs = BuiltinTypes.table(loop, services);
        opened.push(chardevs::close);
        whenSignalled("CONT", () -> continued(chardevs));
        whenSignalled("WINCH", () -> windowChanged(chardevs));
        DeviceTable devices = new DeviceTable(new Maker(config.once()), chardevs, this::deviceDeleted);
        opened.push(devices::close);
        Placement placement = new Placement(
                loops,
                loop,
                config.maxLoops(),
                chardevs,
                devices,
                config.monitors().stream().map(MonitorConfig::chardev).toList());
        Monitors made = monitors(config, chardevs, objects, devices, placement);
        opened.push(made::close);
        monitors = made;
        chardevs.observe(this::chardevEvent);
        for (ChardevConfig chardev : config.chardevs()) {
            within(chardev.source(), () -> addChardev(chardevs, chardev.options(), config.notices()));
        }
        while (chardevs.areAwaited() && !loop.isStopped()) {
            loop.turn(-1); // wait=on: nothing else begins before somebody has connected
        }
        for (MonitorConfig monitor : config.monitors()) {
            within(monitor.source(), () -> addMonitor(made, chardevs, monitor));
        }
        for (DeviceConfig device : config.devices().controllers()) {
            within("-device vhost-user-serial", () -> devices.add(device));
        }
        // After the monitors: who comes last to a multiplexer has what is typed, and that shall be the guest.
        for (PortConfig port : config.devices().ports()) {
            within("-device " + port.source(), () -> devices.plug(port));
        }
        for (DeviceConfig device : config.devices().controllers()) {
            serve(devices, device, config);
        }
        loops.during(placement::settle);
    }

    private void openStateFile(@Nullable String path) throws StartException {
        stateFile = path == null ? null : KeptState.openFile(path);
        if (stateFile != null) {
            opened.push(stateFile::close);
        }
    }

    private void serve(DeviceTable devices, DeviceConfig device, DaemonConfig config) throws StartException {
        for (Controller controller : devices.controllers()) {
            SocketConfig where = device.socket();
            if (controller.id().equals(device.serial().id()) && where != null) {
                new Maker(config.once()).serve(controller, where);
                if (config.notices() && where.path() != null) {
                    Notices.howToConnect(where.path(), controller.device());
                }
            }
        }
    }

    /** What devices are made with. */
    private final class Maker implements DeviceTable.Maker {
        private final boolean once;

        Maker(boolean once) {
            this.once = once;
        }

        @Override
        public Controller make(DeviceConfig config) throws ConfigException {
            return new Controller(loop.part(), config, portNames, Daemon.this::guestOpened);
        }

        @Override
        public void serve(Controller controller, SocketConfig where) throws StartException {
            if (stateFile != null) {
                controller.keepIn(stateFile);
            }
            controller.serve(where, descriptors, listening -> {
                if (once || !listening) {
                    loop.stop();
                }
            });
        }
    }

    private void whenSignalled(String signal, Runnable action) {
        opened.push(ProcessSignal.handle(loop, signal, () -> loops.during(action))::close);
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
            DaemonConfig config, Chardevs chardevs, UserObjects objects, DeviceTable devices, Placement placement) {
        return new Monitors(new MonitorEnvironment(
                loop,
                command -> loops.during(() -> {
                    command.run();
                    placement.settle();
                }),
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
        String id = port.options().deviceId();
        if (id != null) {
            relay.tell("port " + id, () -> withMonitors(all -> all.portChanged(id, open)));
        }
    }

    private void chardevEvent(Chardev chardev, ChardevEvent event) {
        if (event == ChardevEvent.OPENED || event == ChardevEvent.CLOSED) {
            String id = chardev.id();
            String filename = chardev.filename();
            boolean open = event == ChardevEvent.OPENED;
            relay.tell("chardev " + id, () -> withMonitors(all -> all.chardevChanged(id, open, filename)));
        }
    }

    private void withMonitors(Consumer<Monitors> action) {
        if (monitors != null) {
            action.accept(monitors);
        }
    }

    private void deviceDeleted(@Nullable String id, String path) {
        if (monitors != null) {
            monitors.deviceDeleted(id, path);
        }
    }

    /** Serves until the loop is stopped, and answers what the program is to exit with. */
    int run() {
        loop.run();
        Throwable failure = loops.failure();
        if (failure != null) {
            throw new IllegalStateException("a thread for devices has failed", failure);
        }
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
        loops.stop(); // from here on everything is this thread's
        while (!opened.isEmpty()) {
            opened.pop().close();
        }
    }
}
