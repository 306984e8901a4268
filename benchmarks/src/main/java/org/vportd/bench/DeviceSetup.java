package org.vportd.bench;

import static org.vportd.virtio.VirtioFeature.mask;

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
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.QueueDriver;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.queue.QueueConfig;
import org.vportd.virtio.queue.VirtQueue;

/** A device with one channel, opened by the driver, whose two rings a benchmark drives on the device's own thread. */
final class DeviceSetup implements AutoCloseable {
    static final int QUEUE_SIZE = 256;
    private static final int PORT = 1;
    static final int RX = ConsoleLayout.rxQueue(PORT);
    static final int TX = ConsoleLayout.txQueue(PORT);
    private static final long MEMORY_BYTES = 64L << 20;

    final EventLoop loop;
    final DriverMemory memory;
    final QueueDriver rx;
    final QueueDriver tx;
    final SerialDevice device;
    final long buffers;
    private final GuestMemory guest;
    private final long features;

    DeviceSetup(EventLoop loop, Chardev chardev, Rings rings) throws PosixException, ConfigException {
        this.loop = loop;
        this.features = mask(VirtioFeature.VIRTIO_F_EVENT_IDX)
                | mask(VirtioFeature.VIRTIO_F_INDIRECT_DESC)
                | (rings.packed ? mask(VirtioFeature.VIRTIO_F_RING_PACKED) : 0)
                | (rings.inOrder ? mask(VirtioFeature.VIRTIO_F_IN_ORDER) : 0);
        this.memory = DriverMemory.open(MEMORY_BYTES);
        this.rx = QueueDriver.open(memory, QUEUE_SIZE, features, 0);
        this.tx = QueueDriver.open(memory, QUEUE_SIZE, features, 0);
        this.buffers = memory.allocate((long) QUEUE_SIZE << 16, 4096);
        this.guest = memory.mapForDevice();
        this.device = new SerialDevice(
                loop, SerialOptions.defaults().withMaxPorts(PORT + 1), new PortNames(), SerialListener.NONE);
        device.addPort(PortOptions.of(PortOptions.Type.VIRTSERIALPORT).withNr(PORT), chardev);
        device.driverFeatures(device.features());
        device.startQueue(RX, queue(rx));
        device.startQueue(TX, queue(tx));
        openPort();
        loop.turn(0);
    }

    private void openPort() {
        QueueDriver control = QueueDriver.open(memory, QUEUE_SIZE, features, 0);
        long message = memory.allocate(ConsoleLayout.CONTROL_LENGTH, ConsoleLayout.CONTROL_LENGTH);
        long host = memory.hostAddress(message);
        LittleEndian.putInt(host + ConsoleLayout.CONTROL_ID_OFFSET, PORT);
        LittleEndian.putU16(host + ConsoleLayout.CONTROL_EVENT_OFFSET, ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN);
        LittleEndian.putU16(host + ConsoleLayout.CONTROL_VALUE_OFFSET, 1);
        control.addReadable(message, ConsoleLayout.CONTROL_LENGTH, 0);
        control.publish();
        device.startQueue(ConsoleLayout.CONTROL_TX_QUEUE, queue(control));
    }

    private VirtQueue queue(QueueDriver driver) {
        QueueConfig config = new QueueConfig(
                QUEUE_SIZE,
                guest.guestRange(driver.descriptorAddress(), 1),
                guest.guestRange(driver.availAddress(), 1),
                guest.guestRange(driver.usedAddress(), 1),
                driver.firstBase(),
                VirtioFeature.rings(features));
        return VirtQueue.open(config, guest, () -> {});
    }

    @Override
    public void close() {
        device.stopQueue(RX);
        device.stopQueue(TX);
        device.stopQueue(ConsoleLayout.CONTROL_TX_QUEUE);
        device.close();
        guest.close();
        memory.close();
    }
}
