package org.vportd.serial;

import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_CONSOLE_PORT;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_ADD;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_NAME;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_RESIZE;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.chardev.ChardevHandler;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.WindowSize;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.serial.state.PortState;
import org.vportd.virtio.queue.DriverFaultException;
import org.vportd.virtio.queue.HeldPosition;
import org.vportd.virtio.queue.QueueProgress;
import org.vportd.virtio.queue.VirtQueue;

/**
 * One port: who is there on either side, and the two ways between them. Belongs to its {@link SerialDevice}.
 *
 * <p>For a channel, the host is connected while the chardev is open; for a console, as long as there is a chardev.
 */
public final class SerialPort {
    private static final long HOST_PATIENCE_NS = TimeUnit.SECONDS.toNanos(10);

    private final SerialDevice device;
    private final int id;
    private final PortOptions options;
    private final ChardevFrontend frontend = new ChardevFrontend(new Handler());
    private final PortTransmitter transmitter;
    private final PortReceiver receiver;
    private boolean guestConnected;
    private boolean hostConnected;
    /** The driver has been told of the port. */
    private boolean announced;
    /** The guest had it open when its front-end left. */
    private boolean reopens;

    private @Nullable WindowSize windowSize;
    private final LoopTimer hostPatience;

    SerialPort(SerialDevice device, int id, PortOptions options, EventLoop loop) {
        this.device = device;
        this.id = id;
        this.options = options;
        boolean keeps = isConsole() && options.bufferBytes() > 0;
        this.transmitter =
                new PortTransmitter(this, frontend, loop, keeps ? new ConsoleBacklog(options.bufferBytes()) : null);
        this.receiver = new PortReceiver(this, frontend, loop);
        this.hostPatience = loop.timer(this::hostStaysAway);
    }

    /** The port's number, which its queues follow from. */
    public int id() {
        return id;
    }

    /** What it was asked to be. */
    public PortOptions options() {
        return options;
    }

    /** What the guest finds it by, or null. */
    public @Nullable String name() {
        return options.name();
    }

    /** The id of the chardev behind it, empty if there is none. */
    public String chardevId() {
        return frontend.chardevId();
    }

    /** Whether it is a console rather than a channel. */
    public boolean isConsole() {
        return options.type() == PortOptions.Type.VIRTCONSOLE;
    }

    /** Whether somebody in the guest has it open. */
    public boolean isGuestConnected() {
        return guestConnected;
    }

    /** Whether the guest is told that somebody is there on the host. */
    public boolean isHostConnected() {
        return hostConnected;
    }

    /** Whether output waits in the guest because the chardev is full. */
    public boolean isThrottled() {
        return transmitter.isThrottled();
    }

    /** Bytes of console output lost because the chardev was full for too long. */
    public long droppedBytes() {
        return transmitter.droppedBytes();
    }

    /** The size of the window that a console is shown in, null if it is not known. */
    public @Nullable WindowSize windowSize() {
        return windowSize;
    }

    /**
     * Tells the guest what size the window of a console has. What a chardev says of its peer's window comes the same way;
     * the last word counts, and it stays when the peer has left.
     *
     * @throws ConfigException if the port is no console, or the device does not offer to tell sizes
     */
    public void resize(WindowSize size) throws ConfigException {
        if (!isConsole()) {
            throw new ConfigException("port " + id + " is not a console");
        }
        if (!device.tellsSizes()) {
            throw new ConfigException(
                    "the size of consoles is not told to the guest", "it is with -device vhost-user-serial,size=on");
        }
        resized(size);
    }

    private void resized(WindowSize size) {
        if (isConsole() && device.tellsSizes() && !size.equals(windowSize)) {
            windowSize = size;
            device.resized(this);
        }
    }

    int rxQueueIndex() {
        return ConsoleLayout.rxQueue(id);
    }

    int txQueueIndex() {
        return ConsoleLayout.txQueue(id);
    }

    /** Whether output waits for a peer that an earlier process has lost by ending, and that may come back to this one. */
    boolean awaitsHost() {
        return hostPatience.isActive();
    }

    private void hostStaysAway() {
        transmitter.discard();
        device.control().send(id, VIRTIO_CONSOLE_PORT_OPEN, 0);
    }

    void changed() {
        device.changed();
    }

    void track(@Nullable QueueProgress notes) {
        transmitter.track(notes);
    }

    boolean takesInput() {
        return guestConnected && hostConnected;
    }

    void attach(Chardev chardev) throws ConfigException {
        if (isConsole()) {
            frontend.setOpen(true);
            frontend.attach(chardev);
            hostConnected = true;
        } else {
            frontend.attach(chardev); // OPENED comes now if somebody is there
        }
    }

    void close() {
        hostPatience.cancel();
        frontend.detach();
        transmitter.close();
    }

    // --- the driver's side

    void startQueue(int queue, VirtQueue started) {
        if (queue == rxQueueIndex()) {
            receiver.start(started);
        } else {
            transmitter.start(started);
        }
    }

    void stopQueue(int queue) {
        if (queue == rxQueueIndex()) {
            receiver.stop();
        } else {
            transmitter.stop();
        }
    }

    void queueNotified(int queue) {
        if (queue == rxQueueIndex()) {
            receiver.queueNotified();
        } else {
            transmitter.transmit();
        }
    }

    /** Tells the driver that the port exists, if there is one. */
    void announce(ControlChannel control) {
        announced |= control.send(id, VIRTIO_CONSOLE_PORT_ADD, 1);
    }

    /** The queue still holds what was meant for a port that had the number before. */
    void outputIsForAnother() {
        transmitter.restore(HeldPosition.NONE, true);
    }

    /** The driver can use the port: it hears what the port is, in this order (as QEMU's, and Linux relies on it). */
    void guestReady(ControlChannel control) {
        if (isConsole()) {
            control.send(id, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
        }
        String name = options.name();
        if (name != null) {
            byte[] text = name.getBytes(StandardCharsets.UTF_8);
            control.send(id, VIRTIO_CONSOLE_PORT_NAME, 1, Arrays.copyOf(text, text.length + 1)); // and a NUL
        }
        sendSize(control);
        if (hostConnected) {
            control.send(id, VIRTIO_CONSOLE_PORT_OPEN, 1);
        }
    }

    /** As far as it is known, to a driver that wants to know; with control queues it does not look at configuration space. */
    void sendSize(ControlChannel control) {
        WindowSize size = windowSize;
        if (size != null && device.driverTakesSizes()) {
            byte[] payload = device.options().consoleSize().payload(size);
            control.send(id, VIRTIO_CONSOLE_RESIZE, 0, payload);
        }
    }

    void guestOpened(boolean open) {
        guestConnected = open;
        if (!isConsole()) {
            frontend.setOpen(open);
        }
        frontend.acceptInput(); // opened: input may flow; closed: a peer that hung up need not be kept
        device.guestOpened(this, open);
    }

    /** The driver is gone: it has nothing open, and its output is not held. */
    void reset() {
        announced = false;
        reopens = false;
        hostPatience.cancel();
        transmitter.reset();
        if (guestConnected) {
            guestOpened(false);
        }
    }

    // --- saved and restored

    /** What is known of the driver's side, its queues being stopped. */
    PortState save() {
        return new PortState(
                id,
                isConsole(),
                options.name(),
                announced,
                guestConnected || reopens,
                hostConnected || awaitsHost(),
                transmitter.isStale(),
                transmitter.held(),
                device.driverTakesSizes() ? windowSize : null,
                transmitter.backlog());
    }

    /** A copy of the output of a console that its chardev has not taken. */
    byte[] backlog() {
        return transmitter.backlog();
    }

    /** Somebody else puts it out, unless the driver goes on here. */
    void handBacklogOver() {
        transmitter.handBacklogOver();
    }

    /** What was handed over has gone for good. */
    void driverLeaves() {
        transmitter.driverLeaves();
    }

    /** The most output that a console can keep. */
    int backlogCapacity() {
        return isConsole() ? options.bufferBytes() : 0;
    }

    /** The guest may come back: the host sees it closed for as long. */
    void guestLeaves() {
        if (guestConnected) {
            reopens = true;
            guestOpened(false);
        }
    }

    /** The guest is back. */
    void guestReturns() {
        if (reopens) {
            reopens = false;
            guestOpened(true);
        }
    }

    /** Whether a state can be that of this port. */
    boolean isMeantBy(PortState state) {
        return isConsole() == state.console() && Objects.equals(options.name(), state.name());
    }

    /** Goes on for a driver that was served elsewhere; it hears what is different here. Its queues do not run yet. */
    void restore(PortState state, ControlChannel control, boolean hostMayReturn) {
        announced = state.announced();
        transmitter.restore(state.held(), state.stale());
        transmitter.restoreBacklog(state.backlog());
        if (hostMayReturn && !isConsole() && state.hostConnected() && !hostConnected) {
            hostPatience.start(HOST_PATIENCE_NS);
        } else if (hostConnected != state.hostConnected()) {
            control.send(id, VIRTIO_CONSOLE_PORT_OPEN, hostConnected ? 1 : 0);
        }
        restoreSize(state.size());
        guestOpened(state.guestConnected());
    }

    private void restoreSize(@Nullable WindowSize told) {
        WindowSize size = windowSize;
        if (size == null && device.tellsSizes()) {
            windowSize = told; // until the chardev says otherwise
        } else if (size != null && !size.equals(told)) {
            device.resized(this);
        }
    }

    /** Puts out one character past all queues; lost if the chardev is full. */
    void emergencyWrite(IoVector character) {
        transmitter.writePastQueue(character);
    }

    void driverFault(int queue, DriverFaultException fault) {
        device.driverFault(queue, fault);
    }

    void memoryFault(Throwable cause) {
        device.memoryFault(cause);
    }

    /** The chardev's side. */
    private final class Handler implements ChardevHandler {
        @Override
        public IoVector receiveBuffers() {
            return receiver.buffers();
        }

        @Override
        public void received(long bytes) {
            receiver.received(bytes);
        }

        @Override
        public void buffersGone(MemoryFaultException fault) {
            memoryFault(fault);
        }

        @Override
        public boolean isReceiving() {
            return receiver.isStarted() && takesInput();
        }

        @Override
        public boolean wantsSize() {
            return isConsole() && device.tellsSizes();
        }

        @Override
        public void resized(WindowSize size) {
            SerialPort.this.resized(size);
        }

        @Override
        public void onWritable() {
            transmitter.onWritable();
        }

        @Override
        public void onEvent(ChardevEvent event) {
            if (event == ChardevEvent.OPENED && !isConsole()) {
                hostOpened();
            } else if (event == ChardevEvent.CLOSED) {
                hostClosed();
            }
        }

        private void hostOpened() {
            if (!hostConnected) {
                hostConnected = true;
                hostPatience.cancel();
                transmitter.onWritable();
                device.control().send(id, VIRTIO_CONSOLE_PORT_OPEN, 1);
                frontend.acceptInput();
            }
        }

        private void hostClosed() {
            if (isConsole()) {
                transmitter.onWritable(); // a chardev without a peer takes all; one whose input has ended goes on
                return;
            }
            hostConnected = false;
            transmitter.discard();
            device.control().send(id, VIRTIO_CONSOLE_PORT_OPEN, 0);
        }
    }
}
