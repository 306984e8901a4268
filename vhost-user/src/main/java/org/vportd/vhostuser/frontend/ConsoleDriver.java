package org.vportd.vhostuser.frontend;

import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Poll;
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
    private static final int CONTROL_BUFFER_BYTES = 4096;
    private static final int MAX_CONTROL_BUFFERS = 32;
    private static final int MAX_LOG = 10_000;
    private static final int MAX_QUEUES = 256;
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
    private final List<ControlMessage> log = new ArrayList<>();
    private @Nullable DriverMemory memory;
    private @Nullable Fd watchedChannel;
    private @Nullable InflightMemory inflight;
    private long features;
    private int maxPorts = 1;
    private long controlRxBuffers;
    private long controlTxBuffer;
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
        chooseFeatures();
        if (memory == null) {
            readMaxPorts();
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
        if (isMultiport()) {
            fillControlQueue();
            sendControl(NO_PORT, ConsoleLayout.VIRTIO_CONSOLE_DEVICE_READY, 1);
        } else {
            ConsolePort port = ports.get(0);
            port.add();
            port.setConsole();
            port.setHostOpen(true);
            port.setGuestOpen(true);
        }
    }

    private void chooseFeatures() throws FrontendException {
        long wanted = mask(VirtioFeature.VIRTIO_F_VERSION_1)
                | mask(ConsoleLayout.VIRTIO_CONSOLE_F_SIZE)
                | (options.multiport() ? mask(ConsoleLayout.VIRTIO_CONSOLE_F_MULTIPORT) : 0)
                | (options.eventIdx() ? mask(VirtioFeature.VIRTIO_F_EVENT_IDX) : 0)
                | (options.indirect() ? mask(VirtioFeature.VIRTIO_F_INDIRECT_DESC) : 0)
                | options.format().features()
                | (options.iommu() ? mask(VirtioFeature.VIRTIO_F_ACCESS_PLATFORM) : 0);
        features = frontend.offeredFeatures() & wanted;
        if (!VirtioFeature.has(features, VirtioFeature.VIRTIO_F_VERSION_1)) {
            throw new FrontendException("device does not offer VIRTIO_F_VERSION_1: features=0x"
                    + Long.toHexString(frontend.offeredFeatures()));
        }
        if ((options.format().features() & ~features) != 0) {
            throw new FrontendException("device does not offer " + options.format() + ": features=0x"
                    + Long.toHexString(frontend.offeredFeatures()));
        }
        if (options.iommu() && !VirtioFeature.has(features, VirtioFeature.VIRTIO_F_ACCESS_PLATFORM)) {
            throw new FrontendException("device does not offer VIRTIO_F_ACCESS_PLATFORM: features=0x"
                    + Long.toHexString(frontend.offeredFeatures()));
        }
        if (!frontend.hasConfig()) {
            features &= ~mask(ConsoleLayout.VIRTIO_CONSOLE_F_MULTIPORT);
        }
    }

    private void readMaxPorts() throws IOException {
        if (!isMultiport()) {
            return;
        }
        // As the manner has it: the whole, all up to the end of the field, or the field alone.
        int offset = ConsoleLayout.MAX_NR_PORTS_OFFSET;
        byte[] config = switch (frontend.options().manner()) {
            case QEMU -> frontend.readConfig(0, ConsoleLayout.CONFIG_LENGTH_EMERG_WRITE);
            case UML -> frontend.readConfig(0, offset + Integer.BYTES);
            case CROSVM, CLOUD_HYPERVISOR -> {
                byte[] padded = new byte[offset + Integer.BYTES];
                System.arraycopy(frontend.readConfig(offset, Integer.BYTES), 0, padded, offset, Integer.BYTES);
                yield padded;
            }
        };
        int limit = Math.min(frontend.queueCount(), MAX_QUEUES) / 2 - 1;
        maxPorts = 0;
        for (int i = Integer.BYTES - 1; i >= 0; i--) {
            maxPorts = maxPorts << Byte.SIZE | (config[offset + i] & 0xff);
        }
        if (maxPorts < 1) {
            throw new FrontendException("device has a bad number of ports: max_nr_ports=" + maxPorts);
        }
        maxPorts = Math.max(1, Math.min(maxPorts, limit));
    }

    private DriverMemory layOut() throws PosixException {
        int queues = isMultiport() ? ConsoleLayout.queues(maxPorts) : 2;
        long ringBytes = 32L * options.queueSize() + 2 * PAGE_BYTES;
        long bufferBytes = 2L * ConsolePort.buffersOf(options.queueSize()) * options.bufferBytes();
        long low = queues * ringBytes + (MAX_CONTROL_BUFFERS + 1L) * CONTROL_BUFFER_BYTES;
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
        controlRxBuffers = made.allocate((long) MAX_CONTROL_BUFFERS * CONTROL_BUFFER_BYTES, PAGE_BYTES);
        controlTxBuffer = made.allocate(ConsoleLayout.CONTROL_LENGTH, ConsoleLayout.CONTROL_LENGTH);
        for (int i = 0; i < maxPorts; i++) {
            DriverRing rx = rings.get(ConsoleLayout.rxQueue(i));
            ports.add(new ConsolePort(i, rx, rings.get(ConsoleLayout.txQueue(i)), made, options.bufferBytes()));
        }
        return made;
    }

    private static long roundUp(long bytes) {
        return (bytes + PAGE_BYTES - 1) & -PAGE_BYTES;
    }

    private void fillControlQueue() throws IOException {
        DriverRing ring = rings.get(ConsoleLayout.CONTROL_RX_QUEUE);
        for (int i = 0; i < Math.min(MAX_CONTROL_BUFFERS, options.queueSize()); i++) {
            long address = controlRxBuffers + (long) i * CONTROL_BUFFER_BYTES;
            ring.driver().addWritable(address, CONTROL_BUFFER_BYTES, address);
        }
        ring.publish();
    }

    // --- life cycle

    /** Stops all rings, as a guest is paused; ports keep their state. */
    public void stop() throws IOException {
        if (running) {
            running = false;
            bases = frontend.stopRings(rings);
        }
    }

    /** Starts all rings where they were stopped. */
    public void resume() throws IOException {
        shareInflight();
        for (DriverRing ring : rings) {
            ring.notifyThrough(frontend.isInband() ? frontend : null);
        }
        frontend.startRings(rings, bases);
        running = true;
        Fd channel = frontend.backendChannel();
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
        log.clear();
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

    /** The control messages received since the start, the first {@value #MAX_LOG} of them. */
    public List<ControlMessage> controlLog() {
        return List.copyOf(log);
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
        DriverRing ring = rings.get(ConsoleLayout.CONTROL_TX_QUEUE);
        awaitControl(ring, id, event); // one that a back-end left behind uses the same buffer
        long host = memory().hostAddress(controlTxBuffer);
        LittleEndian.putInt(host + ConsoleLayout.CONTROL_ID_OFFSET, id);
        LittleEndian.putU16(host + ConsoleLayout.CONTROL_EVENT_OFFSET, event);
        LittleEndian.putU16(host + ConsoleLayout.CONTROL_VALUE_OFFSET, value);
        ring.driver().addReadable(controlTxBuffer, ConsoleLayout.CONTROL_LENGTH, 0);
        ring.publish();
        awaitControl(ring, id, event);
    }

    private void awaitControl(DriverRing ring, int id, int event) throws IOException {
        long end = deadline();
        while (ring.driver().outstanding() > 0) {
            if (ring.driver().poll()) {
                continue;
            }
            if (Poll.now(frontend.connection(), Poll.POLLIN) != 0) {
                throw new EOFException("back-end has closed the connection, or speaks unasked");
            }
            if (System.nanoTime() - end >= 0) {
                throw new FrontendException("device does not take control messages: port=" + id + " event=" + event);
            }
            if (!ring.driver().enableCalls()) {
                ring.awaitCall(options.iommu() ? 1 : WAIT_MS);
            }
            if (options.iommu()) {
                frontend.takeBackendRequests(); // it may have to ask where the message is
            }
            ring.takeCalls();
        }
    }

    // --- turns

    private long deadline() {
        return System.nanoTime() + frontend.options().timeout().toNanos();
    }

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
        frontend.takeBackendRequests();
        if (frontend.isInband()) {
            for (DriverRing ring : rings) {
                ring.takeCalls();
            }
        }
    }

    private boolean takeControlMessages() throws IOException {
        if (!running || !isMultiport()) {
            return false;
        }
        DriverRing ring = rings.get(ConsoleLayout.CONTROL_RX_QUEUE);
        boolean any = false;
        while (ring.driver().poll()) {
            any = true;
            long address = ring.driver().usedToken();
            byte[] message = new byte[(int) ring.driver().usedBytes()];
            NativeMemory.get(memory().hostAddress(address), message, 0, message.length);
            ring.driver().addWritable(address, CONTROL_BUFFER_BYTES, address);
            handle(message);
        }
        ring.publish();
        return any;
    }

    private void handle(byte[] message) throws IOException {
        if (message.length < ConsoleLayout.CONTROL_LENGTH) {
            throw new FrontendException("device sent a control message that is too short: length=" + message.length);
        }
        int id = u16(message, 0) | u16(message, 2) << Short.SIZE;
        int event = u16(message, ConsoleLayout.CONTROL_EVENT_OFFSET);
        int value = u16(message, ConsoleLayout.CONTROL_VALUE_OFFSET);
        if (log.size() < MAX_LOG) {
            log.add(new ControlMessage(id, event, value));
        }
        if (id < 0 || id >= ports.size()) {
            return; // Linux warns and goes on
        }
        ConsolePort port = ports.get(id);
        switch (event) {
            case ConsoleLayout.VIRTIO_CONSOLE_PORT_ADD -> {
                port.add();
                sendControl(id, ConsoleLayout.VIRTIO_CONSOLE_PORT_READY, 1);
            }
            case ConsoleLayout.VIRTIO_CONSOLE_PORT_REMOVE -> port.remove();
            case ConsoleLayout.VIRTIO_CONSOLE_CONSOLE_PORT -> {
                port.setConsole();
                open(id);
            }
            case ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN -> port.setHostOpen(value != 0);
            case ConsoleLayout.VIRTIO_CONSOLE_PORT_NAME -> port.setName(text(message));
            case ConsoleLayout.VIRTIO_CONSOLE_RESIZE -> {
                if (message.length >= ConsoleLayout.CONTROL_LENGTH + 2 * Short.BYTES) {
                    port.setSize(
                            u16(message, ConsoleLayout.CONTROL_LENGTH),
                            u16(message, ConsoleLayout.CONTROL_LENGTH + Short.BYTES));
                }
            }
            default -> {} // Linux ignores what it does not know
        }
    }

    private static int u16(byte[] bytes, int offset) {
        return (bytes[offset] & 0xff) | (bytes[offset + 1] & 0xff) << Byte.SIZE;
    }

    private static String text(byte[] message) {
        int end = message.length;
        while (end > ConsoleLayout.CONTROL_LENGTH && message[end - 1] == 0) {
            end--;
        }
        int length = end - ConsoleLayout.CONTROL_LENGTH;
        return new String(message, ConsoleLayout.CONTROL_LENGTH, length, StandardCharsets.UTF_8);
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
