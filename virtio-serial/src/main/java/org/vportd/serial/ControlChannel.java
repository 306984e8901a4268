package org.vportd.serial;

import static org.vportd.serial.ConsoleLayout.CONTROL_EVENT_OFFSET;
import static org.vportd.serial.ConsoleLayout.CONTROL_ID_OFFSET;
import static org.vportd.serial.ConsoleLayout.CONTROL_LENGTH;
import static org.vportd.serial.ConsoleLayout.CONTROL_RX_QUEUE;
import static org.vportd.serial.ConsoleLayout.CONTROL_TX_QUEUE;
import static org.vportd.serial.ConsoleLayout.CONTROL_VALUE_OFFSET;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_REMOVE;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;
import org.vportd.serial.state.WaitingMessage;
import org.vportd.virtio.queue.DriverFaultException;
import org.vportd.virtio.queue.VirtQueue;

/**
 * The two control queues (Virtio 1.3 §5.3.6.2). Messages to the driver wait for its buffers, in order for each port, and
 * are not lost; what is repeated while it waits is told once, so a driver without buffers cannot make them pile up.
 */
final class ControlChannel implements AutoCloseable {
    private static final byte[] NO_PAYLOAD = {};
    private static final int MAX_MESSAGE_LENGTH = 4096;
    private static final int MAX_OPEN_CHANGES = 4;
    private static final int BUFFERS_PER_TURN = 1024;

    private final SerialDevice device;
    private final VirtQueue.Consumer consumer = this::receive;
    private final LoopTask receiveTask;
    private final LoopTask flushTask;
    private final Map<Integer, ArrayDeque<Message>> waiting = new HashMap<>(); // by port
    private final ArrayDeque<Integer> turns = new ArrayDeque<>();
    private final long scratch = NativeMemory.allocate(MAX_MESSAGE_LENGTH);
    private @Nullable VirtQueue rx;
    private @Nullable VirtQueue tx;
    private boolean keepsMessages;
    private boolean flushPutOff;

    private static final class Message {
        final int event;
        final int value;
        final byte[] payload;

        Message(int event, int value, byte[] payload) {
            this.event = event;
            this.value = value;
            this.payload = payload;
        }

        boolean repeats(Message other) {
            return event == other.event && value == other.value;
        }
    }

    ControlChannel(SerialDevice device, EventLoop loop) {
        this.device = device;
        this.receiveTask = loop.task(this::receiveAll);
        this.flushTask = loop.task(this::flushRest);
    }

    void startQueue(int index, VirtQueue queue) {
        if (index == CONTROL_RX_QUEUE) {
            rx = queue;
            flush();
        } else {
            tx = queue;
            receiveTask.schedule();
        }
    }

    void stopQueue(int index) {
        VirtQueue queue = index == CONTROL_RX_QUEUE ? rx : tx;
        if (queue != null) {
            queue.rewind();
        }
        if (index == CONTROL_RX_QUEUE) {
            rx = null;
            flushPutOff = false;
            flushTask.cancel();
        } else {
            tx = null;
            receiveTask.cancel();
        }
    }

    void queueNotified(int index) {
        if (index == CONTROL_RX_QUEUE) {
            flush();
        } else {
            receiveAll();
        }
    }

    /** The driver is there: from now on messages wait for it, also while it is paused. */
    void keepMessages() {
        keepsMessages = true;
    }

    /** The driver starts anew: messages for the last one are dropped. */
    void reset() {
        waiting.clear();
        turns.clear();
        keepsMessages = false;
    }

    /** Whether messages wait for a driver that has said it is there. */
    boolean keepsMessages() {
        return keepsMessages;
    }

    /** Sends a message; false if there is no driver to hear it. */
    boolean send(int port, int event, int value) {
        return send(port, event, value, NO_PAYLOAD);
    }

    boolean send(int port, int event, int value, byte[] payload) {
        if (rx == null && !keepsMessages) {
            return false; // it will ask when it comes
        }
        enqueue(port, new Message(event, value, payload));
        flush();
        return true;
    }

    private void enqueue(int port, Message message) {
        ArrayDeque<Message> queue = waiting.get(port);
        if (queue == null) {
            queue = new ArrayDeque<>();
            waiting.put(port, queue);
            turns.add(port);
        }
        append(queue, message);
        device.changed();
    }

    /** Of a port that is gone, and of those that had its number before, the driver only has to hear that. */
    void removed(int port) {
        turns.remove(port);
        waiting.remove(port);
        send(port, VIRTIO_CONSOLE_PORT_REMOVE, 1);
    }

    /** What waits for buffers, in the order in which it is to be sent. */
    List<WaitingMessage> messages() {
        List<WaitingMessage> all = new ArrayList<>();
        for (Integer port : turns) {
            for (Message message : waiting.getOrDefault(port, new ArrayDeque<>())) {
                all.add(new WaitingMessage(port, message.event, message.value, message.payload));
            }
        }
        return all;
    }

    /** Takes over what waited elsewhere for the driver that is here now; its queues do not run yet. */
    void restore(List<WaitingMessage> messages) {
        keepsMessages = true;
        for (WaitingMessage message : messages) {
            enqueue(message.port(), new Message(message.event(), message.value(), message.payload()));
        }
    }

    private static void append(ArrayDeque<Message> queue, Message message) {
        int changes = 0;
        Message last = null;
        for (Message earlier : queue) {
            if (earlier.event == message.event) {
                last = earlier;
                changes++;
            }
        }
        if (last != null && last.repeats(message)) {
            queue.remove(last); // told once, but in its place among the newer ones
        } else if (message.event == VIRTIO_CONSOLE_PORT_OPEN && changes >= MAX_OPEN_CHANGES) {
            queue.remove(last); // it would only be undone by this one
            return;
        }
        queue.add(message);
    }

    private void flushRest() {
        flushPutOff = false;
        flush();
    }

    private void flush() {
        VirtQueue queue = rx;
        if (queue == null || flushPutOff) {
            return;
        }
        device.keepState(); // what the driver hears now is repeated rather than lost
        try {
            int buffers = 0;
            while (!turns.isEmpty() && nextBuffer(queue)) {
                if (buffers++ == BUFFERS_PER_TURN) { // they may be of no use and come without end
                    flushPutOff = true;
                    flushTask.schedule();
                    break;
                }
                if (queue.windowChains() > 0) {
                    writeNext(queue);
                }
            }
            queue.publish();
            if (turns.isEmpty()) {
                queue.disableKicks();
            }
        } catch (DriverFaultException e) {
            device.driverFault(CONTROL_RX_QUEUE, e);
        } catch (InternalError | MemoryFaultException e) {
            device.memoryFault(e);
        }
    }

    /** Walks to the next buffer; false if there is none. The window may be empty nevertheless: look again then. */
    private static boolean nextBuffer(VirtQueue queue) {
        queue.walkWritable(1);
        if (queue.windowChains() > 0) {
            return true;
        }
        queue.publish();
        return queue.enableKicks();
    }

    private void writeNext(VirtQueue queue) {
        Integer port = turns.element();
        ArrayDeque<Message> messages = waiting.get(port);
        if (messages != null && write(queue, port, messages.element())) {
            messages.remove();
            device.changed();
        }
        if (messages == null || messages.isEmpty()) {
            waiting.remove(port);
            turns.remove();
        }
    }

    /** A buffer too small for any message goes back empty, and the message waits for the next one; a name is cut. */
    private boolean write(VirtQueue queue, int port, Message message) {
        long room = queue.firstBytes();
        if (room < CONTROL_LENGTH) {
            queue.skipFirst();
            return false;
        }
        LittleEndian.putInt(scratch + CONTROL_ID_OFFSET, port);
        LittleEndian.putU16(scratch + CONTROL_EVENT_OFFSET, message.event);
        LittleEndian.putU16(scratch + CONTROL_VALUE_OFFSET, message.value);
        int payload = Math.min(message.payload.length, MAX_MESSAGE_LENGTH - CONTROL_LENGTH);
        NativeMemory.put(message.payload, 0, scratch + CONTROL_LENGTH, payload);
        int length = (int) Math.min(room, CONTROL_LENGTH + payload);
        queue.segments().copyFrom(scratch, length);
        queue.fill(length);
        return true;
    }

    private void receiveAll() {
        VirtQueue queue = tx;
        if (queue == null) {
            return;
        }
        try {
            if (queue.drain(consumer) == VirtQueue.Drained.MORE) {
                receiveTask.schedule();
            }
        } catch (DriverFaultException e) {
            device.driverFault(CONTROL_TX_QUEUE, e);
        } catch (InternalError | MemoryFaultException e) {
            device.memoryFault(e);
        }
    }

    private boolean receive(VirtQueue queue) {
        while (queue.windowChains() > 0) {
            int length = queue.segments().copyTo(scratch, (int) Math.min(CONTROL_LENGTH, queue.firstBytes()));
            int id = LittleEndian.getInt(scratch + CONTROL_ID_OFFSET);
            int event = LittleEndian.getU16(scratch + CONTROL_EVENT_OFFSET);
            int value = LittleEndian.getU16(scratch + CONTROL_VALUE_OFFSET);
            queue.skipFirst();
            if (length == CONTROL_LENGTH) {
                device.controlMessage(id, event, value);
            }
        }
        device.keepState(); // before the driver sees its messages taken
        return true;
    }

    @Override
    public void close() {
        NativeMemory.free(scratch);
    }
}
