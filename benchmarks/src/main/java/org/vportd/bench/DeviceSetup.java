package org.vportd.bench;

import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;
import org.vportd.loop.EventLoop;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.PosixException;
import org.vportd.serial.ConsoleLayout;
import org.vportd.serial.PortNames;
import org.vportd.serial.PortOptions;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialListener;
import org.vportd.serial.SerialOptions;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.QueueDriver;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.queue.VirtQueue;

/** A device with one channel, opened by the driver, whose rings a benchmark drives on the device's own thread. */
final class DeviceSetup implements AutoCloseable {
    static final int QUEUE_SIZE = 256;
    static final int MAX_BUFFER_BYTES = 1 << 16;
    private static final int PORT = 1;
    static final int RX = ConsoleLayout.rxQueue(PORT);
    static final int TX = ConsoleLayout.txQueue(PORT);
    static final int CONTROL = ConsoleLayout.CONTROL_TX_QUEUE;
    private static final long MEMORY_BYTES = 64L << 20;

    final EventLoop loop;
    final DriverMemory memory;
    final QueueDriver rx;
    final QueueDriver tx;
    final QueueDriver control;
    final SerialDevice device;
    /** As many as the ring has room for, of any size up to the largest. */
    final long buffers;

    private final GuestMemory guest;
    private final long features;
    private final long openMessage;
    private final long closeMessage;
    private final VirtQueue[] queues;

    DeviceSetup(EventLoop loop, Chardev chardev, Rings rings) throws PosixException, ConfigException {
        this.loop = loop;
        this.features = rings.features(true);
        this.memory = DriverMemory.open(MEMORY_BYTES);
        this.rx = QueueDriver.open(memory, QUEUE_SIZE, features, 0);
        this.tx = QueueDriver.open(memory, QUEUE_SIZE, features, 0);
        this.control = QueueDriver.open(memory, QUEUE_SIZE, features, 0);
        this.buffers = memory.allocate((long) QUEUE_SIZE * MAX_BUFFER_BYTES, 4096);
        this.openMessage = openMessage(1);
        this.closeMessage = openMessage(0);
        this.guest = memory.mapForDevice();
        this.device = new SerialDevice(
                loop, SerialOptions.defaults().withMaxPorts(PORT + 1), new PortNames(), SerialListener.NONE);
        device.addPort(PortOptions.of(PortOptions.Type.VIRTSERIALPORT).withNr(PORT), chardev);
        device.driverFeatures(device.features());
        this.queues = new VirtQueue[device.queueCount()];
        start(RX, rx);
        start(TX, tx);
        addOpenMessage(true);
        control.publish();
        start(CONTROL, control);
        loop.turn(0);
    }

    private void start(int index, QueueDriver driver) {
        queues[index] = RingSetup.queue(driver, guest, features, () -> {});
        device.startQueue(index, queues[index]);
    }

    private long openMessage(int value) {
        long message = memory.allocate(ConsoleLayout.CONTROL_LENGTH, ConsoleLayout.CONTROL_LENGTH);
        long host = memory.hostAddress(message);
        LittleEndian.putInt(host + ConsoleLayout.CONTROL_ID_OFFSET, PORT);
        LittleEndian.putU16(host + ConsoleLayout.CONTROL_EVENT_OFFSET, ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN);
        LittleEndian.putU16(host + ConsoleLayout.CONTROL_VALUE_OFFSET, value);
        return message;
    }

    /** Adds the message that somebody in the guest has opened or closed the port; not shown yet. */
    void addOpenMessage(boolean open) {
        control.addReadable(open ? openMessage : closeMessage, ConsoleLayout.CONTROL_LENGTH, 0);
    }

    /** Adds output, the buffers one behind the other; not shown yet. */
    void addOutput(int count, int bufferBytes) {
        for (int i = 0; i < count; i++) {
            tx.addReadable(buffers + (long) i * bufferBytes, bufferBytes, i);
        }
    }

    /** Whether the device has not looked at all of it; cheaper than to ask the driver what came back. */
    boolean hasOutput() {
        return queues[TX].hasAvailable();
    }

    /** Adds room for input, the same way. */
    void addRoom(int count, int bufferBytes) {
        for (int i = 0; i < count; i++) {
            rx.addWritable(buffers + (long) i * bufferBytes, bufferBytes, i);
        }
    }

    @Override
    public void close() {
        for (int i = 0; i < queues.length; i++) {
            if (queues[i] != null) {
                device.stopQueue(i);
                queues[i].close();
            }
        }
        device.close();
        guest.close();
        memory.close();
    }
}
