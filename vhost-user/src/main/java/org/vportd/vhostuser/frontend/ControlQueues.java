package org.vportd.vhostuser.frontend;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Poll;
import org.vportd.serial.ConsoleLayout;
import org.vportd.virtio.driver.DriverMemory;

/** The driver's side of both control queues: sends messages, and does what those of the device say (Virtio 1.3 §5.3.6.2). */
final class ControlQueues {
    /** How many messages are kept in the log. */
    static final int MAX_LOG = 10_000;

    private static final int BUFFER_BYTES = 4096;
    private static final int MAX_BUFFERS = 32;
    private static final int WAIT_MS = 100;

    private final ConsoleDriver driver;
    private final ConsoleOptions options;
    private final DriverMemory memory;
    private final DriverRing rx;
    private final DriverRing tx;
    private final long rxBuffers;
    private final long txBuffer;
    private final List<ControlMessage> log = new ArrayList<>();

    /** Takes buffers from the guest's memory, {@link #memoryBytes} at most. */
    ControlQueues(ConsoleDriver driver, ConsoleOptions options, DriverMemory memory, DriverRing rx, DriverRing tx) {
        this.driver = driver;
        this.options = options;
        this.memory = memory;
        this.rx = rx;
        this.tx = tx;
        this.rxBuffers = memory.allocate((long) MAX_BUFFERS * BUFFER_BYTES, BUFFER_BYTES);
        this.txBuffer = memory.allocate(ConsoleLayout.CONTROL_LENGTH, ConsoleLayout.CONTROL_LENGTH);
    }

    /** What all buffers need. */
    static long memoryBytes() {
        return (MAX_BUFFERS + 1L) * BUFFER_BYTES;
    }

    /** Gives the device all buffers, once the rings run. */
    void fill() throws IOException {
        for (int i = 0; i < Math.min(MAX_BUFFERS, options.queueSize()); i++) {
            long address = rxBuffers + (long) i * BUFFER_BYTES;
            rx.driver().addWritable(address, BUFFER_BYTES, address);
        }
        rx.publish();
    }

    /** The messages received since {@link #forget}, the first {@value #MAX_LOG} of them. */
    List<ControlMessage> log() {
        return List.copyOf(log);
    }

    /** Empties the log. */
    void forget() {
        log.clear();
    }

    /**
     * Sends a message and waits until the device has taken it, as Linux does with its CPU spinning.
     *
     * @param id the port; need not exist
     */
    void send(int id, int event, int value) throws IOException {
        awaitTaken(id, event); // one that a back-end left behind uses the same buffer
        long host = memory.hostAddress(txBuffer);
        LittleEndian.putInt(host + ConsoleLayout.CONTROL_ID_OFFSET, id);
        LittleEndian.putU16(host + ConsoleLayout.CONTROL_EVENT_OFFSET, event);
        LittleEndian.putU16(host + ConsoleLayout.CONTROL_VALUE_OFFSET, value);
        tx.driver().addReadable(txBuffer, ConsoleLayout.CONTROL_LENGTH, 0);
        tx.publish();
        awaitTaken(id, event);
    }

    private void awaitTaken(int id, int event) throws IOException {
        VhostUserFrontend frontend = driver.frontend();
        long end = System.nanoTime() + frontend.options().timeout().toNanos();
        while (tx.driver().outstanding() > 0) {
            if (tx.driver().poll()) {
                continue;
            }
            if (Poll.now(frontend.connection(), Poll.POLLIN) != 0) {
                throw new EOFException("back-end has closed the connection, or speaks unasked");
            }
            if (System.nanoTime() - end >= 0) {
                throw new FrontendException("device does not take control messages: port=" + id + " event=" + event);
            }
            if (!tx.driver().enableCalls()) {
                tx.awaitCall(options.iommu() ? 1 : WAIT_MS);
            }
            if (options.iommu()) {
                frontend.backendRequests().take(); // it may have to ask where the message is
            }
            tx.takeCalls();
        }
    }

    /** Does what the messages say that have come; answers whether there was any. */
    boolean take() throws IOException {
        boolean any = false;
        while (rx.driver().poll()) {
            any = true;
            long address = rx.driver().usedToken();
            byte[] message = new byte[(int) rx.driver().usedBytes()];
            NativeMemory.get(memory.hostAddress(address), message, 0, message.length);
            rx.driver().addWritable(address, BUFFER_BYTES, address);
            handle(message);
        }
        rx.publish();
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
        if (id < 0 || id >= driver.maxPorts()) {
            return; // Linux warns and goes on
        }
        ConsolePort port = driver.port(id);
        switch (event) {
            case ConsoleLayout.VIRTIO_CONSOLE_PORT_ADD -> {
                port.add();
                send(id, ConsoleLayout.VIRTIO_CONSOLE_PORT_READY, 1);
            }
            case ConsoleLayout.VIRTIO_CONSOLE_PORT_REMOVE -> port.remove();
            case ConsoleLayout.VIRTIO_CONSOLE_CONSOLE_PORT -> {
                port.setConsole();
                driver.open(id);
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
}
