package org.vportd.serial;

import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_DEVICE_READY;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_F_MULTIPORT;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_F_SIZE;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_READY;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.posix.MemoryFaultException;
import org.vportd.serial.state.DeviceState;
import org.vportd.serial.state.DeviceStateCodec;
import org.vportd.serial.state.StateFormatException;
import org.vportd.serial.state.StateKeeper;
import org.vportd.virtio.DeviceStateException;
import org.vportd.virtio.LimitedLog;
import org.vportd.virtio.VirtioDevice;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.VirtioTransport;
import org.vportd.virtio.queue.DriverFaultException;
import org.vportd.virtio.queue.VirtQueue;

/**
 * A virtio-console device and its ports (Virtio 1.3 §5.3), with the behaviour of QEMU's virtio-serial bus. Its ports, and
 * what is connected to them on the host, outlive front-ends and drivers. Loop thread only.
 */
public final class SerialDevice implements VirtioDevice, AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(SerialDevice.class.getName());

    private final EventLoop loop;
    private final SerialOptions options;
    private final SerialListener listener;
    private final LimitedLog log;
    private final ControlChannel control;
    private final PortTable ports;
    private final @Nullable VirtQueue[] queues;
    private final LoopTask orphanTask;
    private final Handover handover;
    private final StateKeeping keeping;
    private final ConfigSpace config = new ConfigSpace(this);
    private @Nullable VirtioTransport transport;
    private long driverFeatures;
    private boolean queuesRestarted;

    /**
     * Makes a device without ports.
     *
     * @param names shared by the devices whose port names must differ
     * @throws ConfigException if an option is out of range
     */
    public SerialDevice(EventLoop loop, SerialOptions options, PortNames names, SerialListener listener)
            throws ConfigException {
        options.check();
        this.loop = loop;
        this.options = options;
        this.listener = listener;
        this.log = new LimitedLog(LOGGER, loop::nanoTime);
        this.control = new ControlChannel(this, loop);
        this.handover = new Handover(this, control);
        this.keeping = new StateKeeping(this, loop);
        this.orphanTask = loop.task(this::discardOrphans);
        this.ports = new PortTable(options.maxPorts(), names);
        this.queues = new @Nullable VirtQueue[queueCount()];
    }

    /** What it was asked to be. */
    public SerialOptions options() {
        return options;
    }

    /** The ports, in the order they were plugged. */
    public List<SerialPort> ports() {
        return ports.all();
    }

    ControlChannel control() {
        return control;
    }

    /** The port of a number, or null; any number from 0 to max_ports - 1. */
    @Nullable
    SerialPort port(int id) {
        return ports.get(id);
    }

    long driverFeatures() {
        return driverFeatures;
    }

    /**
     * Plugs a port.
     *
     * @param chardev what it is connected to, or null if to nothing
     * @throws ConfigException if the number or the name is taken or out of range, or the chardev is in use; nothing has
     *     changed then
     */
    public SerialPort addPort(PortOptions portOptions, @Nullable Chardev chardev) throws ConfigException {
        if (chardev != null) {
            checkPlace(portOptions, chardev);
        }
        int id = ports.chooseId(portOptions);
        SerialPort port = new SerialPort(this, id, portOptions, loop);
        leaveOldOutputBehind(port);
        keeping.plugged(port);
        ports.add(port);
        startQueueOf(port, port.rxQueueIndex());
        startQueueOf(port, port.txQueueIndex());
        port.announce(control);
        if (chardev != null) {
            port.attach(chardev); // now: the driver would not know what PORT_OPEN is about before
        }
        return port;
    }

    /** What the driver has put out until now was meant for a port that had the number before: the new one does not get it. */
    private void leaveOldOutputBehind(SerialPort port) {
        int index = port.txQueueIndex();
        VirtQueue running = handover.isPending() ? null : queues[index];
        // Now, as far as possible: a driver that has heard of the new port may write to it at once.
        boolean more = running == null ? control.keepsMessages() : discardAll(index, running);
        if (more) {
            port.outputIsForAnother();
        }
    }

    private static void checkPlace(PortOptions port, Chardev chardev) throws ConfigException {
        try {
            chardev.checkPlace();
        } catch (ConfigException e) {
            throw new ConfigException("Property '" + port.type().optionName() + ".chardev' can't take value '"
                    + chardev.id() + "': " + e.getMessage());
        }
    }

    /**
     * Unplugs a port. Its chardev is free when this returns; what the driver still writes to it goes nowhere. Where its
     * rings stand is kept for the next port of the number.
     *
     * @param port one of {@link #ports}
     */
    public void removePort(SerialPort port) {
        if (ports.find(port.id()) != port) {
            throw new IllegalArgumentException("not a port of this device: id=" + port.id());
        }
        ports.remove(port); // first: whatever happens while it is closed, nobody finds it any more
        port.stopQueue(port.rxQueueIndex());
        port.stopQueue(port.txQueueIndex());
        port.close();
        keeping.unplugged(port);
        orphanTask.schedule();
        control.removed(port.id());
    }

    private void startQueueOf(SerialPort port, int queue) {
        VirtQueue running = queues[queue]; // orphaned until now
        if (running != null && !handover.isPending()) {
            port.startQueue(queue, running);
        }
    }

    // --- VirtioDevice

    @Override
    public int queueCount() {
        return ConsoleLayout.queues(options.maxPorts());
    }

    @Override
    public long features() {
        return options.features();
    }

    @Override
    public int configBytes() {
        return config.bytes();
    }

    @Override
    public void readConfig(byte[] to) {
        config.read(to);
    }

    @Override
    public void writeConfig(int offset, byte[] bytes) {
        config.write(offset, bytes);
    }

    // --- size of consoles

    boolean tellsSizes() {
        return options.consoleSize() != ConsoleSize.OFF;
    }

    /** Whether the driver has accepted that. */
    boolean driverTakesSizes() {
        return VirtioFeature.has(driverFeatures, VIRTIO_CONSOLE_F_SIZE);
    }

    void resized(SerialPort port) {
        if (isMultiport()) {
            port.sendSize(control);
        } else {
            notifySize(port);
        }
    }

    /** Without control queues there is port 0 alone, whose size is in configuration space. */
    private void notifySize(SerialPort port) {
        if (port.id() == 0 && port.windowSize() != null && driverTakesSizes() && transport != null) {
            transport.configChanged();
        }
    }

    @Override
    public void attach(VirtioTransport newTransport) {
        transport = newTransport;
    }

    /** The front-end may come back with the same guest, so its ports are closed, but not forgotten. */
    @Override
    public void detach() {
        handover.frontendLeaves();
        transport = null;
        changed();
    }

    @Override
    public void driverFeatures(long features) {
        handover.checkFeatures(features);
        driverFeatures = features;
        changed();
        keepState();
    }

    // --- state

    /**
     * What is known of the driver, for another device to go on with.
     *
     * @return with rings stopped, all of it; while they run, without the positions in their chains
     */
    public DeviceState save() {
        return handover.save();
    }

    /**
     * Takes over a driver that was served elsewhere, as soon as its rings start: it notices only what is different here.
     * Rings are stopped.
     *
     * @throws ConfigException if it knows another device than this one, with other ports; nothing has changed then
     */
    public void restore(DeviceState state) throws ConfigException {
        handover.check(state);
        reset();
        handover.restore(state, true);
    }

    /**
     * Remembers a driver that was served by a process that is gone. If the rings that start next go on where some were, the
     * driver is told of ports that have come and gone meanwhile; if they begin anew, all this is forgotten.
     */
    public void remember(DeviceState state) {
        reset();
        handover.restore(state, false);
    }

    /**
     * Has all that is known of the driver kept from here on, so that a process after this one can {@link #remember} it. No
     * queue has been started yet.
     */
    public void keepIn(StateKeeper keeper) {
        keeping.begin(keeper);
    }

    /** Keeps what has changed for the last time. */
    public void keepNoMore() {
        try {
            keeping.keep();
        } catch (InternalError gone) {
            // There is nowhere to keep it any more.
        }
        keeping.end();
    }

    /** Keeps nothing any more: another process does, or nobody can. */
    public void keepElsewhere() {
        keeping.end();
    }

    void changed() {
        keeping.changed();
    }

    void keepState() {
        keeping.keep();
    }

    @Override
    public int maxStateBytes() {
        long backlog =
                ports.all().stream().mapToLong(SerialPort::backlogCapacity).sum();
        return (int) Math.min(Integer.MAX_VALUE, DeviceStateCodec.MAX_BYTES_BESIDES_BACKLOG + backlog);
    }

    @Override
    public byte[] saveState() {
        byte[] state = DeviceStateCodec.encode(save());
        ports.all().forEach(SerialPort::handBacklogOver);
        return state;
    }

    @Override
    public void restoreState(byte[] state) throws DeviceStateException {
        try {
            restore(DeviceStateCodec.decode(state));
        } catch (StateFormatException e) {
            throw new DeviceStateException(String.valueOf(e.getMessage()));
        } catch (ConfigException e) {
            throw new DeviceStateException(e.explanation());
        }
    }

    boolean isMultiport() {
        return VirtioFeature.has(driverFeatures, VIRTIO_CONSOLE_F_MULTIPORT);
    }

    @Override
    public void startQueue(int index, VirtQueue queue) {
        if (!isMultiport() && index >= ConsoleLayout.CONTROL_RX_QUEUE) {
            return; // the driver does not know of these queues (§5.3.2): nothing is taken from them
        }
        queues[index] = queue;
        queuesRestarted = true;
        if (!handover.isPending()) {
            begin(index, queue);
        } else if (handover.decide(index, queue)) {
            beginAll();
        }
    }

    /** Those too that had to wait until it was clear whose they are. */
    private void beginAll() {
        for (int i = 0; i < queues.length; i++) {
            VirtQueue started = queues[i];
            if (started != null) {
                begin(i, started);
            }
        }
    }

    private void begin(int index, VirtQueue queue) {
        if (isControl(index)) {
            control.startQueue(index, queue);
            return;
        }
        SerialPort port = portOf(index);
        if (port == null) {
            orphanTask.schedule();
            return;
        }
        port.startQueue(index, queue);
        if (!isMultiport() && !port.isGuestConnected()) {
            port.guestOpened(true); // such a driver has no way to say so
            notifySize(port); // Linux does not look before it is told to
        }
    }

    @Override
    public void stopQueue(int index) {
        VirtQueue queue = queues[index];
        queues[index] = null;
        SerialPort port = portOf(index);
        if (isControl(index)) {
            control.stopQueue(index);
        } else if (port != null) {
            port.stopQueue(index);
        } else if (queue != null) {
            queue.rewind();
        }
    }

    @Override
    public void queueNotified(int index) {
        SerialPort port = portOf(index);
        if (isControl(index)) {
            control.queueNotified(index);
        } else if (port != null) {
            port.queueNotified(index);
        } else {
            orphanTask.schedule();
        }
    }

    /** Output for ports that do not exist goes nowhere, but its writer must not wait for ever. */
    private void discardOrphans() {
        for (int id = 0; id < options.maxPorts(); id++) {
            int index = ConsoleLayout.txQueue(id);
            VirtQueue queue = queues[index];
            if (queue != null && ports.get(id) == null && discardAll(index, queue)) {
                orphanTask.schedule();
            }
        }
    }

    /** Discards what a turn has time for; answers whether there is more. */
    private boolean discardAll(int index, VirtQueue queue) {
        try {
            return queue.drain(SerialDevice::discard) == VirtQueue.Drained.MORE;
        } catch (DriverFaultException e) {
            driverFault(index, e);
        } catch (InternalError | MemoryFaultException e) {
            memoryFault(e);
        }
        return false;
    }

    private static boolean discard(VirtQueue queue) {
        queue.consume(queue.segments().bytes());
        return true;
    }

    private static boolean isControl(int queue) {
        return queue == ConsoleLayout.CONTROL_RX_QUEUE || queue == ConsoleLayout.CONTROL_TX_QUEUE;
    }

    private @Nullable SerialPort portOf(int queue) {
        return isControl(queue) ? null : ports.get(ConsoleLayout.portOfQueue(queue));
    }

    @Override
    public void reset() {
        handover.forget();
        control.reset();
        ports.all().forEach(SerialPort::reset);
        changed();
    }

    // --- from the control queue

    void controlMessage(int id, int event, int value) {
        if (event == VIRTIO_CONSOLE_DEVICE_READY) {
            deviceReady(value);
            return;
        }
        SerialPort port = ports.find(id);
        if (port == null) {
            log.warn("virtio-serial-bus: Unexpected port id " + Integer.toUnsignedString(id) + " for device "
                    + options.bus());
            return;
        }
        if (event == VIRTIO_CONSOLE_PORT_READY) {
            if (value == 0) {
                log.warn("virtio-serial-bus: Guest failure in adding port " + id + " for device " + options.bus());
            } else {
                port.guestReady(control);
            }
        } else if (event == VIRTIO_CONSOLE_PORT_OPEN) {
            port.guestOpened(value != 0);
        }
    }

    private void deviceReady(int value) {
        if (queuesRestarted) { // the first message of a driver that has just come: a reboot is not told otherwise
            queuesRestarted = false;
            reset();
        }
        if (value == 0) {
            log.warn("virtio-serial-bus: Guest failure in adding device " + options.bus());
            return;
        }
        control.keepMessages();
        changed();
        for (SerialPort port : ports.all()) {
            port.announce(control);
        }
    }

    void guestOpened(SerialPort port, boolean open) {
        changed();
        listener.guestOpened(port, open);
    }

    void driverFault(int queue, DriverFaultException fault) {
        if (transport != null) {
            transport.driverFault(queue, fault);
        }
    }

    void memoryFault(Throwable cause) {
        if (transport != null) {
            transport.memoryFault(cause);
        }
    }

    /** Lets the chardevs go. Queues have been stopped before. */
    @Override
    public void close() {
        keepNoMore(); // that ports are closed now is no change for the driver
        ports.all().forEach(SerialPort::close);
        ports.releaseNames();
        control.close();
        config.close();
    }
}
