package org.vportd.serial;

import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_DEVICE_READY;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_F_MULTIPORT;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_READY;
import static org.vportd.virtio.VirtioFeature.mask;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;
import org.vportd.loop.EventLoop;
import org.vportd.posix.PosixException;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.memory.GuestMemory;

/**
 * A device, and the test as its driver and transport: real rings in real shared memory, and a loop that the test turns.
 * Control buffers are posted and refilled as Linux does, unless the test does it.
 */
final class DeviceUnderTest implements AutoCloseable {
    static final int CONTROL_BUFFER_BYTES = 4096;
    static final int ANY_ID = -1;

    private static final int CONTROL_SIZE = 32;
    private static final int DATA_SIZE = 128;
    private static final long MEMORY_BYTES = 256L << 20; // most of it is never touched
    private static final long DEADLINE_NS = TimeUnit.SECONDS.toNanos(20);
    private static final String[] EVENTS = {
        "DEVICE_READY", "PORT_ADD", "PORT_REMOVE", "PORT_READY", "CONSOLE_PORT", "RESIZE", "PORT_OPEN", "PORT_NAME"
    };

    private final EventLoop loop;
    private final DriverMemory memory;
    private final GuestMemory deviceMemory;
    private final TestTransport transport = new TestTransport(this::stopQueue);
    private SerialDevice device;
    private final Shape shape;
    private final Map<Integer, DriverQueue> queues = new HashMap<>();
    private final List<String> guestEvents = new ArrayList<>();
    private int chardevs;
    private long passedNs;

    /** What the driver's rings look like. */
    record Shape(int dataSize, int controlSize, boolean eventIdx, boolean indirect, boolean packed, boolean inOrder) {
        static final Shape DEFAULT = new Shape(DATA_SIZE, CONTROL_SIZE, true, false);

        Shape(int dataSize, int controlSize, boolean eventIdx, boolean indirect) {
            this(dataSize, controlSize, eventIdx, indirect, false, false);
        }

        /** All that rings can be like, with so many descriptors. */
        static Stream<Shape> all(int size) {
            return IntStream.range(0, 16)
                    .mapToObj(i -> new Shape(size, size, (i & 1) != 0, (i & 2) != 0, (i & 4) != 0, (i & 8) != 0));
        }

        Shape withDataSize(int size) {
            return new Shape(size, controlSize, eventIdx, indirect, packed, inOrder);
        }

        Shape withControlSize(int size) {
            return new Shape(dataSize, size, eventIdx, indirect, packed, inOrder);
        }

        Shape withRings(boolean packedRings, boolean inOrderRings) {
            return new Shape(dataSize, controlSize, eventIdx, indirect, packedRings, inOrderRings);
        }

        /** Of the rings; tables are for data only. */
        long features(boolean control) {
            return (eventIdx ? mask(VirtioFeature.VIRTIO_F_EVENT_IDX) : 0)
                    | (indirect && !control ? mask(VirtioFeature.VIRTIO_F_INDIRECT_DESC) : 0)
                    | (packed ? mask(VirtioFeature.VIRTIO_F_RING_PACKED) : 0)
                    | (inOrder ? mask(VirtioFeature.VIRTIO_F_IN_ORDER) : 0);
        }
    }

    DeviceUnderTest(int maxPorts) throws PosixException, ConfigException {
        this(maxPorts, Shape.DEFAULT);
    }

    DeviceUnderTest(int maxPorts, Shape shape) throws PosixException, ConfigException {
        this(SerialOptions.defaults().withMaxPorts(maxPorts), shape);
    }

    DeviceUnderTest(SerialOptions options, Shape shape) throws PosixException, ConfigException {
        this.shape = shape;
        this.loop = EventLoop.open(() -> System.nanoTime() + passedNs);
        this.memory = DriverMemory.open(MEMORY_BYTES);
        this.deviceMemory = memory.mapForDevice();
        this.device = open(options);
        device.attach(transport);
    }

    private SerialDevice open(SerialOptions options) throws ConfigException {
        return new SerialDevice(
                loop, options.withRings(shape.packed, shape.inOrder), new PortNames(), this::guestOpened);
    }

    /** Puts another device in the place of this one, whose chardevs are free then; rings and driver stay as they are. */
    void replaceDevice(SerialOptions options) throws ConfigException {
        SerialDevice successor = open(options);
        stop();
        device.detach();
        device.close();
        device = successor;
        device.attach(transport);
    }

    private void guestOpened(SerialPort port, boolean open) {
        guestEvents.add(port.id() + (open ? " open" : " closed"));
    }

    EventLoop loop() {
        return loop;
    }

    DriverMemory memory() {
        return memory;
    }

    SerialDevice device() {
        return device;
    }

    TestTransport transport() {
        return transport;
    }

    /** What the listener heard. */
    List<String> guestEvents() {
        return guestEvents;
    }

    TestChardev chardev() {
        return new TestChardev(loop, "c" + chardevs++);
    }

    SerialPort console(@Nullable Chardev chardev) throws ConfigException {
        return device.addPort(PortOptions.of(PortOptions.Type.VIRTCONSOLE), chardev);
    }

    /** A console that keeps so much output. */
    SerialPort console(@Nullable Chardev chardev, int bufferBytes) throws ConfigException {
        return device.addPort(
                new PortOptions(PortOptions.Type.VIRTCONSOLE, null, PortOptions.ANY_NR, null, bufferBytes), chardev);
    }

    SerialPort channel(@Nullable Chardev chardev) throws ConfigException {
        return device.addPort(PortOptions.of(PortOptions.Type.VIRTSERIALPORT), chardev);
    }

    // --- the transport's part

    /** The driver of any number of ports has come: all rings run. */
    DeviceUnderTest start() {
        return start(device.features());
    }

    /** The driver has come with a choice of features. */
    DeviceUnderTest start(long features) {
        device.driverFeatures(features);
        for (int i = 0; i < device.queueCount(); i++) {
            startQueue(i);
        }
        return this;
    }

    /** A driver has come that knows of one port only. */
    DeviceUnderTest startSinglePort() {
        return start(device.features() & ~mask(VIRTIO_CONSOLE_F_MULTIPORT));
    }

    void startQueue(int index) {
        device.startQueue(index, queue(index).start(deviceMemory));
    }

    void stopQueue(int index) {
        DriverQueue queue = queue(index);
        if (queue.isStarted()) {
            device.stopQueue(index);
            queue.stopped();
        }
    }

    /** All rings stop, as when the machine is paused or reset. */
    void stop() {
        for (int i = 0; i < device.queueCount(); i++) {
            stopQueue(i);
        }
    }

    /** The rings go on where they stopped. */
    void resume() {
        for (int i = 0; i < device.queueCount(); i++) {
            startQueue(i);
        }
    }

    /** The machine starts anew, and all that tells is that the rings begin again. */
    void rebootSilently() {
        stop();
        queues.values().forEach(DriverQueue::reset);
    }

    /** The driver resets the device. */
    void reset() {
        rebootSilently();
        device.reset();
    }

    // --- the driver's part

    DriverQueue queue(int index) {
        DriverQueue queue = queues.get(index);
        if (queue == null) {
            boolean control = index == ConsoleLayout.CONTROL_RX_QUEUE || index == ConsoleLayout.CONTROL_TX_QUEUE;
            int size = control ? shape.controlSize : shape.dataSize;
            queue = new DriverQueue(memory, size, shape.features(control), () -> device.queueNotified(index));
            queues.put(index, queue);
        }
        return queue;
    }

    DriverQueue rx(SerialPort port) {
        return queue(ConsoleLayout.rxQueue(port.id()));
    }

    DriverQueue tx(SerialPort port) {
        return queue(ConsoleLayout.txQueue(port.id()));
    }

    DriverQueue controlRx() {
        return queue(ConsoleLayout.CONTROL_RX_QUEUE);
    }

    DriverQueue controlTx() {
        return queue(ConsoleLayout.CONTROL_TX_QUEUE);
    }

    /** Sends a control message, and waits for its buffer as Linux does: without patience. */
    void send(int id, int event, int value) {
        controlTx().add(message(id, event, value)).publish();
        if (controlTx().completed() != 1) {
            throw new AssertionError("control message was not taken at once: event=" + event);
        }
    }

    static byte[] message(int id, int event, int value) {
        return ByteBuffer.allocate(ConsoleLayout.CONTROL_LENGTH)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(id)
                .putShort((short) event)
                .putShort((short) value)
                .array();
    }

    /** Starts and does all that a driver does at boot; a process has every channel open then. */
    DeviceUnderTest boot() {
        start();
        return handshake();
    }

    /** The driver comes up, its rings running. */
    DeviceUnderTest handshake() {
        controlRx().fill(CONTROL_BUFFER_BYTES);
        send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        for (SerialPort port : device.ports()) {
            send(port.id(), VIRTIO_CONSOLE_PORT_READY, 1);
            guestOpens(port, true);
        }
        settle();
        messages();
        return this;
    }

    void guestOpens(SerialPort port, boolean open) {
        send(port.id(), VIRTIO_CONSOLE_PORT_OPEN, open ? 1 : 0);
    }

    /** The control messages since the last time, such as {@code PORT_OPEN 1 1}: event, port, value and text. */
    List<String> messages() {
        List<String> messages = new ArrayList<>();
        List<byte[]> filled = controlRx().filledAndPosted(CONTROL_BUFFER_BYTES);
        while (!filled.isEmpty()) {
            filled.forEach(bytes -> messages.add(describe(bytes)));
            filled = controlRx().filledAndPosted(CONTROL_BUFFER_BYTES); // there was room for more
        }
        return messages;
    }

    static String describe(byte[] message) {
        if (message.length < ConsoleLayout.CONTROL_LENGTH) {
            return "length " + message.length;
        }
        ByteBuffer fields = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        int id = fields.getInt();
        int event = fields.getShort() & 0xffff;
        int value = fields.getShort() & 0xffff;
        String text = new String(message, fields.position(), fields.remaining(), StandardCharsets.ISO_8859_1);
        return (EVENTS[event] + " " + id + " " + value + " " + text).stripTrailing();
    }

    // --- the loop

    /** Has time pass for timers. */
    void pass(int seconds) {
        passedNs += TimeUnit.SECONDS.toNanos(seconds);
        settle();
    }

    /** Turns until something is so; fails if that takes too long. */
    void until(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + DEADLINE_NS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("did not happen: " + what);
            }
            loop.turn(5);
        }
    }

    /** Turns without waiting until nothing is left to do. */
    void settle() {
        for (int turns = 0; loop.turn(0) > 0; turns++) {
            if (turns == 1_000_000) {
                throw new AssertionError("the loop spins");
            }
        }
    }

    @Override
    public void close() {
        stop();
        device.detach();
        device.close();
        loop.close();
        deviceMemory.close();
        memory.close();
    }
}
