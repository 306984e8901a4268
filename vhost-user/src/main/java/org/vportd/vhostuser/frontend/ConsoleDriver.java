package org.vportd.vhostuser.frontend;

import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.serial.ConsoleLayout;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.QueueDriver;

/**
 * A guest with a virtio-console driver that behaves as Linux's does: fills the control queue, says DEVICE_READY, answers
 * PORT_ADD with buffers and PORT_READY, opens consoles by itself and other ports when told to (Virtio 1.3 §5.3).
 *
 * <p>{@link #turn} does what an interrupt does; it runs inside of every method that waits. Each wait is as long as the
 * front-end's timeout at most.
 */
public final class ConsoleDriver implements AutoCloseable {
    private static final int PAGE_BYTES = 4096;
    private static final long HIGH_MEMORY = 1L << 32;
    private static final int CONNECTION = -1;
    private static final int BACKEND_CHANNEL = -2;
    private static final int NO_PORT = -1;
    private static final int WAIT_MS = 100;

    private VhostUserFrontend frontend;
    private final ConsoleOptions options;
    private final Epoll epoll = new Epoll(64);
    private final List<DriverRing> rings = new ArrayList<>();
    private final List<ConsolePort> ports = new ArrayList<>();
    private @Nullable DriverMemory memory;
    private @Nullable ControlQueues control; // if there are any
    private @Nullable Fd watchedChannel;
    private @Nullable InflightMemory inflight;
    private long features;
    private int maxPorts = 1;
    private int[] bases = {};
    private boolean negotiated;
    private boolean memoryShared;
    private boolean running;

    /** Something to wait for. */
    @FunctionalInterface
    public interface Condition {
        /** Whether it has come; may read or write ports. */
        boolean holds() throws IOException;
    }

    /** Makes a guest at a front-end, which it owns from here on. */
    public ConsoleDriver(VhostUserFrontend frontend, ConsoleOptions options) throws PosixException {
        this.frontend = frontend;
        this.options = options;
        epoll.add(frontend.connection(), Epoll.EPOLLIN | Epoll.EPOLLRDHUP, CONNECTION);
    }

    /** Connects to a back-end that listens, and starts the driver. */
    public static ConsoleDriver start(String path, FrontendOptions frontendOptions, ConsoleOptions options)
            throws IOException {
        ConsoleDriver driver = new ConsoleDriver(VhostUserFrontend.connect(path, frontendOptions), options);
        try {
            driver.start();
            return driver;
        } catch (IOException | RuntimeException e) {
            driver.close();
            throw e;
        }
    }

    /** Negotiates, sets up memory and queues, and says DEVICE_READY. The answers come with the next turns. */
    public void start() throws IOException {
        if (!negotiated) {
            frontend.negotiate();
            negotiated = true;
        }
        features = ConsoleNegotiation.chooseFeatures(frontend, options);
        if (memory == null) {
            maxPorts = isMultiport() ? ConsoleNegotiation.readMaxPorts(frontend) : 1;
            DriverMemory made = layOut();
            memory = made;
            if (options.iommu()) {
                frontend.addIommu(made);
            }
        }
        frontend.setFeatures(features);
        if (!memoryShared || !frontend.options().manner().addsRegions()) {
            frontend.shareMemory(memory());
            memoryShared = true;
        }
        bases = rings.stream().mapToInt(ring -> ring.driver().firstBase()).toArray();
        resume();
        if (control != null && isMultiport()) {
            control.fill();
            control.send(NO_PORT, ConsoleLayout.VIRTIO_CONSOLE_DEVICE_READY, 1);
        } else {
            ConsolePort port = ports.get(0);
            port.add();
            port.setConsole();
            port.setHostOpen(true);
            port.setGuestOpen(true);
        }
    }

    private DriverMemory layOut() throws PosixException {
        int queues = isMultiport() ? ConsoleLayout.queues(maxPorts) : 2;
        long ringBytes = 32L * options.queueSize() + 2 * PAGE_BYTES;
        long bufferBytes = 2L * ConsolePort.buffersOf(options.queueSize()) * options.bufferBytes();
        long low = queues * ringBytes + ControlQueues.memoryBytes();
        long high = maxPorts * (bufferBytes + PAGE_BYTES) + options.extraBytes() + PAGE_BYTES;
        DriverMemory made = DriverMemory.open(
                List.of(
                        new DriverMemory.Range(DriverMemory.DEFAULT_GUEST_ADDRESS, roundUp(low)),
                        new DriverMemory.Range(HIGH_MEMORY, roundUp(high))),
                true);
        boolean callSocket = frontend.options().manner().callsThroughSocket();
        for (int i = 0; i < queues; i++) {
            QueueDriver driver = QueueDriver.open(made, options.queueSize(), features, 0);
            DriverRing ring = new DriverRing(i, made, driver, callSocket);
            rings.add(ring);
            epoll.add(ring.callHeard(), Epoll.EPOLLIN, i);
        }
        if (isMultiport()) {
            DriverRing controlRx = rings.get(ConsoleLayout.CONTROL_RX_QUEUE);
            control = new ControlQueues(this, options, made, controlRx, rings.get(ConsoleLayout.CONTROL_TX_QUEUE));
        }
        for (int i = 0; i < maxPorts; i++) {
            DriverRing rx = rings.get(ConsoleLayout.rxQueue(i));
            ports.add(new ConsolePort(i, rx, rings.get(ConsoleLayout.txQueue(i)), made, options.bufferBytes()));
        }
        return made;
    }

    private static long roundUp(long bytes) {
        return (bytes + PAGE_BYTES - 1) & -PAGE_BYTES;
    }

    // --- life cycle

    /** Stops all rings, as a guest is paused; ports keep their state. */
    public void stop() throws IOException {
        if (running) {
            running = false;
            bases = frontend.vrings().stop(rings);
        }
    }

    /** Starts all rings where they were stopped. */
    public void resume() throws IOException {
        shareInflight();
        for (DriverRing ring : rings) {
            ring.notifyThrough(frontend.isInband() ? frontend : null);
        }
        frontend.vrings().start(rings, bases);
        running = true;
        Fd channel = frontend.backendRequests().channel();
        if (channel != null && channel != watchedChannel) {
            epoll.add(channel, Epoll.EPOLLIN, BACKEND_CHANNEL);
            watchedChannel = channel;
        }
    }

    private void shareInflight() throws IOException {
        if (!frontend.notesInflight()) {
            return;
        }
        if (inflight == null) {
            inflight = frontend.makeInflight(rings.size(), options.queueSize());
        }
        if (inflight != null) {
            frontend.shareInflight(inflight);
        }
    }

    /**
     * Loses the back-end, or notes that it has gone. The guest lives on: memory, rings and ports stay as they are, and what
     * is written waits in the rings.
     */
    public void disconnect() {
        frontend.close();
        watchedChannel = null;
        running = false;
    }

    /**
     * Goes on with a back-end that was started anew, or with another connection to the same one. It gets the notes of chains
     * in flight if they are kept, and is told where the rings go on as far as they show it.
     *
     * @param next a new connection, which is owned from here on
     * @throws FrontendException if it does not offer what the driver has chosen
     */
    public void reconnect(VhostUserFrontend next) throws IOException {
        disconnect();
        frontend = next;
        epoll.add(next.connection(), Epoll.EPOLLIN | Epoll.EPOLLRDHUP, CONNECTION);
        next.negotiate();
        if ((features & ~next.offeredFeatures()) != 0) {
            throw new FrontendException("back-end offers less than the one before: features=0x"
                    + Long.toHexString(features) + " offered=0x" + Long.toHexString(next.offeredFeatures()));
        }
        next.setFeatures(features);
        next.shareMemory(memory());
        bases = rings.stream().mapToInt(this::baseAfterLoss).toArray();
        resume();
        for (DriverRing ring : rings) {
            ring.kick(); // kicks may have gone to the one that is no more
        }
    }

    /**
     * Goes on with another back-end, which is told what the one before knew. The rings have been stopped; memory is what it
     * was then.
     *
     * @param next a new connection, which is owned from here on unless this fails
     * @param state what {@link Migration#saveState} answered
     * @throws FrontendException if the back-end cannot go on; the one before still can, with {@link #resume}
     */
    public void moveTo(VhostUserFrontend next, byte[] state) throws IOException {
        next.negotiate();
        next.setFeatures(features);
        next.shareMemory(memory());
        Migration.loadState(next, state);
        disconnect();
        if (inflight != null) {
            inflight.close(); // nothing is in flight, and its notes are not for another back-end
            inflight = null;
        }
        frontend = next;
        epoll.add(next.connection(), Epoll.EPOLLIN | Epoll.EPOLLRDHUP, CONNECTION);
        resume();
    }

    private int baseAfterLoss(DriverRing ring) {
        boolean behindAll = frontend.options().manner().goesOnAtAvailable()
                && !VirtioFeature.has(features, VirtioFeature.VIRTIO_F_RING_PACKED)
                && !VirtioFeature.has(features, VirtioFeature.VIRTIO_F_IN_ORDER);
        return behindAll ? ring.driver().availIndex() : ring.driver().baseInMemory();
    }

    /**
     * Stops the device and starts it anew with a driver that knows nothing.
     *
     * @param announce whether the device is told with RESET_DEVICE; a reboot is normally not announced
     */
    public void restart(boolean announce) throws IOException {
        stop();
        if (announce) {
            frontend.resetDevice();
        }
        for (DriverRing ring : rings) {
            ring.driver().reset();
        }
        ports.forEach(ConsolePort::forget);
        if (control != null) {
            control.forget();
        }
        start();
    }

    /** Whether the rings run. */
    public boolean isRunning() {
        return running;
    }

    // --- ports

    /** Whether there are control queues. */
    public boolean isMultiport() {
        return VirtioFeature.has(features, ConsoleLayout.VIRTIO_CONSOLE_F_MULTIPORT);
    }

    /** The virtio features in force. */
    public long features() {
        return features;
    }

    /** The number of ports there can be, as far as the front-end can reach them. */
    public int maxPorts() {
        return maxPorts;
    }

    /** A port, whether the device has announced it or not. Range: 0 to {@link #maxPorts()} - 1. */
    public ConsolePort port(int id) {
        return ports.get(id);
    }

    /** The front-end below. */
    public VhostUserFrontend frontend() {
        return frontend;
    }

    /** The rings, by queue. */
    public List<DriverRing> rings() {
        return List.copyOf(rings);
    }

    /** The guest's memory. */
    public DriverMemory memory() {
        if (memory == null) {
            throw new IllegalStateException("driver has not been started");
        }
        return memory;
    }

    /** The control messages received since the start, the first {@value ControlQueues#MAX_LOG} of them. */
    public List<ControlMessage> controlLog() {
        return control == null ? List.of() : control.log();
    }

    /** Waits until the device has announced a port and, if it is a console, the driver has opened it. */
    public ConsolePort awaitPort(int id) throws IOException {
        ConsolePort port = ports.get(id);
        await("port " + id + " is announced", port::isPresent);
        return port;
    }

    /** Waits until the device has said that its side of a port is open. */
    public ConsolePort awaitHostOpen(int id) throws IOException {
        ConsolePort port = awaitPort(id);
        await("port " + id + " is open on the device's side", port::isHostOpen);
        return port;
    }

    /** Opens the driver's side of a port, as a program in the guest does. */
    public void open(int id) throws IOException {
        setOpen(id, true);
    }

    /** Closes the driver's side of a port. */
    public void close(int id) throws IOException {
        setOpen(id, false);
    }

    private void setOpen(int id, boolean open) throws IOException {
        ports.get(id).setGuestOpen(open);
        if (isMultiport()) {
            sendControl(id, ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN, open ? 1 : 0);
        }
    }

    /** Writes all bytes to a port and waits until the device has taken them. */
    public void write(int id, byte[] bytes) throws IOException {
        ConsolePort port = ports.get(id);
        int[] done = new int[1];
        await("port " + id + " takes " + bytes.length + " bytes", () -> {
            done[0] += port.write(bytes, done[0], bytes.length - done[0]);
            return done[0] == bytes.length && port.isFlushed();
        });
    }

    /** Reads a number of bytes from a port. */
    public byte[] read(int id, int length) throws IOException {
        ConsolePort port = ports.get(id);
        byte[] bytes = new byte[length];
        int[] done = new int[1];
        await("port " + id + " brings " + length + " bytes", () -> {
            done[0] += port.read(bytes, done[0], length - done[0]);
            return done[0] == length;
        });
        return bytes;
    }

    /**
     * Sends a control message and waits until the device has taken it, as Linux does with its CPU spinning.
     *
     * @param id the port; need not exist
     */
    public void sendControl(int id, int event, int value) throws IOException {
        ControlQueues queues = control;
        if (queues == null) {
            throw new IllegalStateException("there are no control queues");
        }
        queues.send(id, event, value);
    }

    // --- turns

    /** Takes turns until something holds. */
    public void await(String what, Condition condition) throws IOException {
        if (!await(frontend.options().timeout(), condition)) {
            throw new FrontendException("waited in vain until " + what);
        }
    }

    /** Takes turns until something holds, or the time is over; answers whether it holds. */
    public boolean await(Duration timeout, Condition condition) throws IOException {
        long end = System.nanoTime() + timeout.toNanos();
        while (!condition.holds()) {
            long leftNs = end - System.nanoTime();
            if (leftNs <= 0) {
                return false;
            }
            turn((int) Math.min(WAIT_MS, TimeUnit.NANOSECONDS.toMillis(leftNs) + 1));
        }
        return true;
    }

    /**
     * Waits for a call, unless something is there already, and carries out control messages.
     *
     * @throws EOFException if the back-end has left
     */
    public void turn(int timeoutMs) throws IOException {
        boolean news = takeControlMessages();
        if (running) {
            for (DriverRing ring : rings) {
                news |= ring.driver().enableCalls();
            }
        }
        int events = epoll.await(news ? 0 : timeoutMs);
        for (int i = 0; i < events; i++) {
            int source = (int) epoll.dataAt(i);
            switch (source) {
                case CONNECTION -> throw new EOFException("back-end has closed the connection, or speaks unasked");
                case BACKEND_CHANNEL -> takeBackendRequests();
                default -> rings.get(source).takeCalls();
            }
        }
        takeControlMessages();
    }

    private void takeBackendRequests() throws IOException {
        frontend.backendRequests().take();
        if (frontend.isInband()) {
            for (DriverRing ring : rings) {
                ring.takeCalls();
            }
        }
    }

    private boolean takeControlMessages() throws IOException {
        return running && control != null && isMultiport() && control.take();
    }

    /** Leaves without a word, as a guest that is killed; {@link #stop} before it to leave in order. */
    @Override
    public void close() {
        frontend.close();
        rings.forEach(DriverRing::close);
        if (inflight != null) {
            inflight.close();
        }
        epoll.close();
        if (memory != null) {
            memory.close();
        }
    }
}
