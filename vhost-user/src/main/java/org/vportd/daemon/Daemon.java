package org.vportd.daemon;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.backend.StdioChardev;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.handover.Parcel;
import org.vportd.handover.ParcelSocket;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopGroup;
import org.vportd.monitor.MonitorEnvironment;
import org.vportd.monitor.Monitors;
import org.vportd.monitor.NamedDescriptors;
import org.vportd.monitor.VersionInfo;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.posix.UnixAddress;
import org.vportd.serial.PortNames;
import org.vportd.serial.SerialPort;
import org.vportd.serial.state.StateFile;

/** The running program: loops, character devices, devices and monitors. The first loop's thread only. */
final class Daemon implements AutoCloseable {
    private static final int HANDOVER_MODE = 0600;
    private static final int HANDOVER_FORMAT = 1;

    private final EventLoop loop;
    private final LoopGroup loops;
    private final EventRelay relay;
    private final PortNames portNames = new PortNames();
    private final NamedDescriptors descriptors = new NamedDescriptors();
    private final Deque<Closeable> opened = new ArrayDeque<>();
    private final DaemonConfig config;
    private final DaemonServices services;
    private final UserObjects objects = new UserObjects();
    private final Chardevs chardevs;
    private final DeviceTable devices;
    private final Placement placement;
    private final MonitorTable monitorTable;
    private final Monitors monitors;
    private @Nullable StateFile stateFile;
    private @Nullable HandoverSocket handover;

    private interface Closeable extends AutoCloseable {
        @Override
        void close();
    }

    /** Makes one that has nothing yet. */
    private Daemon(EventLoop loop, DaemonConfig config) {
        this.loop = loop;
        this.config = config;
        loop.setPollBudget(TimeUnit.MICROSECONDS.toNanos(config.pollUs()));
        this.loops = new LoopGroup(loop);
        opened.push(loops::close);
        this.relay = new EventRelay(loop);
        this.services = new DaemonServices(loop, objects, descriptors, config.escape());
        this.chardevs = BuiltinTypes.table(loop, services);
        opened.push(chardevs::close);
        this.devices = new DeviceTable(new Maker(), chardevs, this::deviceDeleted);
        opened.push(devices::close);
        this.monitorTable = new MonitorTable(chardevs, objects, this::monitors);
        this.placement = new Placement(loops, loop, config.maxLoops(), chardevs, devices, monitorTable::chardevIds);
        this.monitors = new Monitors(new MonitorEnvironment(
                loop,
                command -> loops.during(() -> {
                    command.run();
                    placement.settle();
                }),
                chardevs,
                descriptors,
                devices,
                new ObjectTable(objects, monitorTable),
                devices,
                loop::stop,
                VersionInfo.of(Version.program()),
                config.name()));
        opened.push(monitors::close);
        chardevs.observe(this::chardevEvent);
        whenSignalled("CONT", () -> continued(chardevs));
        whenSignalled("WINCH", () -> windowChanged(chardevs));
    }

    /**
     * Opens everything; front-ends can connect once this returns. Nothing stays open if it fails.
     *
     * @throws ConfigException if an option cannot be honoured
     * @throws StartException if the system refuses something
     */
    static Daemon start(EventLoop loop, DaemonConfig config) throws ConfigException, StartException {
        Daemon daemon = new Daemon(loop, config);
        boolean complete = false;
        try {
            daemon.open();
            complete = true;
            return daemon;
        } finally {
            if (!complete) {
                daemon.close();
            }
        }
    }

    private void open() throws ConfigException, StartException {
        takePassed(config.passed());
        openStateFile(config.statePath());
        for (Options object : config.objects()) {
            within("-object " + object, () -> objects.add(object));
        }
        for (ChardevConfig chardev : config.chardevs()) {
            within(chardev.source(), () -> addChardev(chardev.options()));
        }
        while (chardevs.areAwaited() && !loop.isStopped()) {
            loop.turn(-1); // wait=on: nothing else begins before somebody has connected
        }
        if (loop.isStopped()) {
            return; // told to end before it began
        }
        addMonitors();
        for (DeviceConfig device : config.devices().controllers()) {
            within("-device vhost-user-serial", () -> devices.add(device));
        }
        // After the monitors: who comes last to a multiplexer has what is typed, and that shall be the guest.
        for (PortConfig port : config.devices().ports()) {
            within("-device " + port.source(), () -> devices.plug(port));
        }
        for (Controller controller : devices.controllers()) {
            serve(controller);
        }
        String path = config.handoverPath();
        if (path != null) {
            listenForHandover(FrontendSocket.bind("--handover", path, HANDOVER_MODE));
        }
        loops.during(placement::settle);
    }

    private void addMonitors() throws ConfigException {
        for (MonitorConfig monitor : config.monitors()) {
            within(monitor.source(), () -> monitorTable.add(monitor));
        }
    }

    private Monitors monitors() {
        return monitors;
    }

    private void takePassed(List<PassedFd> passed) throws ConfigException, StartException {
        Map<Integer, Fd> given = new HashMap<>();
        try {
            for (PassedFd each : passed) {
                Fd fd = given.computeIfAbsent(each.fd(), Fd::new); // one may be in several sets
                Fd own = fd.duplicate();
                within("-add-fd", () -> descriptors.addToSet(own, each.set(), each.opaque()));
            }
        } catch (PosixException e) {
            throw new StartException("cannot keep a passed descriptor: " + e.getMessage());
        } finally {
            given.values().forEach(Fd::close);
        }
    }

    // --- handover

    /**
     * Takes the place of a process that listens at a path for that: with everything it has, nobody connected to it notices.
     *
     * @throws StartException if it is not there, or something cannot be taken over; it then goes on
     */
    static Daemon takeOver(EventLoop loop, String path) throws StartException {
        try (ParcelSocket former = new ParcelSocket(UnixAddress.ofPath(path).connect(), HandoverSocket.PATIENCE_MS)) {
            try (Parcel everything = former.receive()) {
                return takeOver(loop, everything, former);
            }
        } catch (IOException e) {
            throw new StartException("cannot take over: --take-over=" + path + ": " + e.getMessage());
        }
    }

    private static Daemon takeOver(EventLoop loop, Parcel everything, ParcelSocket former) throws IOException {
        Daemon daemon = new Daemon(loop, DaemonConfig.unpack(everything.parcel("config")));
        boolean complete = false;
        try {
            daemon.adopt(everything);
            former.send(new Parcel().put("ready", true));
            try (Parcel answer = former.receive()) {
                if (!answer.flag("go")) {
                    throw new IOException("it has not let go");
                }
            }
            complete = true;
            daemon.goOn();
            return daemon;
        } catch (ConfigException | StartException | IOException e) {
            former.send(new Parcel().put("error", e.getMessage()));
            throw new IOException(e.getMessage(), e);
        } finally {
            if (!complete) {
                daemon.handedOver(); // back to where it came from
                daemon.close();
            }
        }
    }

    /** Packs everything for a process that takes over. What is connected does not move until {@link #goOn}. */
    private Parcel pack() {
        Parcel parcel = new Parcel()
                .put("format", HANDOVER_FORMAT)
                .put("config", config.pack(monitorTable.configs()))
                .put(
                        "objects",
                        objects.sources().stream()
                                .map(source -> new Parcel().put("options", source.canonical()))
                                .toList())
                .put("chardevs", chardevs.pack())
                .put("monitors", monitors.pack())
                .put("descriptor_sets", descriptors.packSets())
                .put(
                        "devices",
                        devices.controllers().stream().map(Controller::pack).toList())
                .put("ports", devices.packPorts());
        if (stateFile != null) {
            parcel.put("state_file", stateFile.file());
        }
        if (handover != null) {
            parcel.put("handover", handover.fd());
        }
        return parcel;
    }

    /** Makes the same from it, without moving anything. */
    private void adopt(Parcel from) throws ConfigException, StartException, IOException {
        if (from.number("format", 0) != HANDOVER_FORMAT) {
            throw new IOException("it hands over in another format: format=" + from.number("format", 0) + " known="
                    + HANDOVER_FORMAT);
        }
        Fd keptFile = from.takeFd("state_file");
        if (keptFile != null) {
            stateFile = StateFile.takeOver(keptFile, String.valueOf(config.statePath()));
            opened.push(stateFile::close);
        }
        for (Parcel object : from.parcels("objects")) {
            objects.add(Options.parse(String.valueOf(object.text("options")), UserObjects.IMPLIED_KEY, warning -> {}));
        }
        descriptors.unpackSets(from.parcels("descriptor_sets"));
        chardevs.unpack(from.parcels("chardevs"));
        addMonitors();
        monitors.unpack(from.parcels("monitors"));
        List<Parcel> packed = from.parcels("devices");
        List<Controller> made = new ArrayList<>();
        for (Parcel device : packed) {
            made.add(devices.add(Controller.config(device)));
        }
        devices.takeOverPorts(from.parcels("ports"));
        for (int i = 0; i < made.size(); i++) {
            made.get(i).takeOver(packed.get(i), stateFile, this::sessionEnded);
        }
        Fd listening = from.takeFd("handover");
        if (listening != null) {
            listenForHandover(FrontendSocket.takeOver(listening, config.handoverPath()));
        }
    }

    private void goOn() {
        loops.during(() -> {
            placement.settle();
            devices.controllers().forEach(Controller::goOn);
        });
    }

    /** Another process has everything: what is closed here is left as it is outside. */
    private void handedOver() {
        chardevs.handedOver();
        devices.controllers().forEach(Controller::handedOver);
        if (handover != null) {
            handover.handedOver();
        }
    }

    private void listenForHandover(FrontendSocket socket) throws StartException {
        try {
            HandoverSocket made = new HandoverSocket(loop, socket, loops, new Giver());
            handover = made;
            opened.push(made::close);
        } catch (PosixException e) {
            throw new StartException("cannot watch the socket for a handover: " + e.getMessage());
        }
    }

    private final class Giver implements HandoverSocket.Giver {
        @Override
        public boolean isAtRest() {
            return devices.controllers().stream().allMatch(Controller::isAtRest);
        }

        @Override
        public Parcel pack() {
            return Daemon.this.pack();
        }

        @Override
        public void goOn() {
            devices.controllers().forEach(Controller::goOn);
        }

        @Override
        public void handedOver() {
            Daemon.this.handedOver();
            loops.stop(); // what they would read now is meant for the other process
            loop.stopNow();
        }
    }

    // --- parts

    private void openStateFile(@Nullable String path) throws StartException {
        stateFile = path == null ? null : KeptState.openFile(path);
        if (stateFile != null) {
            opened.push(stateFile::close);
        }
    }

    private void serve(Controller controller) throws StartException {
        SocketConfig where = controller.socket();
        if (where != null) {
            serve(controller, where);
            if (config.notices() && where.path() != null) {
                Notices.howToConnect(where.path(), controller.device());
            }
        }
    }

    private void serve(Controller controller, SocketConfig where) throws StartException {
        if (stateFile != null) {
            controller.keepIn(stateFile);
        }
        controller.serve(where, descriptors, this::sessionEnded);
    }

    private void sessionEnded(boolean listening) {
        if (config.once() || !listening) {
            loop.stop();
        }
    }

    /** What devices are made with. */
    private final class Maker implements DeviceTable.Maker {
        @Override
        public Controller make(DeviceConfig device) throws ConfigException {
            boolean handsOver = config.handoverPath() != null;
            return new Controller(loop.part(), device, handsOver, portNames, Daemon.this::guestOpened);
        }

        @Override
        public void serve(Controller controller, SocketConfig where) throws StartException {
            Daemon.this.serve(controller, where);
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

    private void addChardev(Options options) throws ConfigException {
        Chardev unused = chardevs.add(options);
        if (config.notices()) {
            chardevs.notice(options).ifPresent(Console.err()::println);
        }
    }

    private void guestOpened(SerialPort port, boolean open) {
        String id = port.options().deviceId();
        if (id != null) {
            relay.tell("port " + id, () -> monitors.portChanged(id, open));
        }
    }

    private void chardevEvent(Chardev chardev, ChardevEvent event) {
        if (event == ChardevEvent.OPENED || event == ChardevEvent.CLOSED) {
            String id = chardev.id();
            String filename = chardev.filename();
            boolean open = event == ChardevEvent.OPENED;
            relay.tell("chardev " + id, () -> monitors.chardevChanged(id, open, filename));
        }
    }

    private void deviceDeleted(@Nullable String id, String path) {
        monitors.deviceDeleted(id, path);
    }

    /** Serves until the loop is stopped, and answers what the program is to exit with. */
    int run() {
        loop.run();
        Throwable failure = loops.failure();
        if (failure != null) {
            throw new IllegalStateException("a thread for devices has failed", failure);
        }
        return services.exitStatus();
    }

    /** Tells monitors why everything is about to be closed. */
    void endedBySignal() {
        monitors.endedBySignal();
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
