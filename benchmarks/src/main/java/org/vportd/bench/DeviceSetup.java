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
import org.vportd.virtio.driver.SplitDriver;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.queue.QueueConfig;
import org.vportd.virtio.queue.SplitQueue;

/** A device with one channel, opened by the driver, whose two rings a benchmark drives on the device's own thread. */
final class DeviceSetup implements AutoCloseable {
    static final int QUEUE_SIZE = 256;
    private static final int PORT = 1;
    static final int RX = ConsoleLayout.rxQueue(PORT);
    static final int TX = ConsoleLayout.txQueue(PORT);
    private static final long MEMORY_BYTES = 64L << 20;

    final EventLoop loop;
    final DriverMemory memory;
    final SplitDriver rx;
    final SplitDriver tx;
    final SerialDevice device;
    final long buffers;
    private final GuestMemory guest;

    DeviceSetup(EventLoop loop, Chardev chardev) throws PosixException, ConfigException {
        this.loop = loop;
        this.memory = DriverMemory.open(MEMORY_BYTES);
        this.rx = new SplitDriver(memory, QUEUE_SIZE, true, 0);
        this.tx = new SplitDriver(memory, QUEUE_SIZE, true, 0);
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
        SplitDriver control = new SplitDriver(memory, QUEUE_SIZE, true, 0);
        long message = memory.allocate(ConsoleLayout.CONTROL_LENGTH, ConsoleLayout.CONTROL_LENGTH);
        long host = memory.hostAddress(message);
        LittleEndian.putInt(host + ConsoleLayout.CONTROL_ID_OFFSET, PORT);
        LittleEndian.putU16(host + ConsoleLayout.CONTROL_EVENT_OFFSET, ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN);
        LittleEndian.putU16(host + ConsoleLayout.CONTROL_VALUE_OFFSET, 1);
        control.addReadable(message, ConsoleLayout.CONTROL_LENGTH, 0);
        control.publish();
        device.startQueue(ConsoleLayout.CONTROL_TX_QUEUE, queue(control));
    }

    private SplitQueue queue(SplitDriver driver) {
        QueueConfig config = new QueueConfig(
                QUEUE_SIZE,
                guest.guestRange(driver.descriptorAddress(), 1),
                guest.guestRange(driver.availAddress(), 1),
                guest.guestRange(driver.usedAddress(), 1),
                0,
                true,
                true);
        return new SplitQueue(config, guest, () -> {});
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
