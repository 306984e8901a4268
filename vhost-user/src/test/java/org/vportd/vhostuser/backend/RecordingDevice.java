package org.vportd.vhostuser.backend;

import static org.vportd.virtio.VirtioFeature.VIRTIO_F_EVENT_IDX;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_INDIRECT_DESC;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_IN_ORDER;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_RING_PACKED;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_VERSION_1;
import static org.vportd.virtio.VirtioFeature.mask;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.NativeMemory;
import org.vportd.virtio.DeviceStateException;
import org.vportd.virtio.VirtioDevice;
import org.vportd.virtio.VirtioTransport;
import org.vportd.virtio.queue.DriverFaultException;
import org.vportd.virtio.queue.VirtQueue;

/** A device on real queues that notes what its transport says, and reads all that the driver writes. */
final class RecordingDevice implements VirtioDevice, AutoCloseable {
    static final int QUEUES = 6;
    static final int CONFIG_BYTES = 12;
    /** The only one of the device's own. */
    static final int FEATURE = 1;

    private static final long FEATURES = mask(FEATURE)
            | mask(VIRTIO_F_VERSION_1)
            | mask(VIRTIO_F_EVENT_IDX)
            | mask(VIRTIO_F_INDIRECT_DESC)
            | mask(VIRTIO_F_RING_PACKED)
            | mask(VIRTIO_F_IN_ORDER);
    private static final int BUFFER_LENGTH = 1 << 16;

    private final List<String> events = new ArrayList<>();
    private final Map<Integer, VirtQueue> running = new TreeMap<>();
    private final Map<Integer, String> texts = new TreeMap<>();
    private final long buffer = NativeMemory.allocate(BUFFER_LENGTH);
    private @Nullable VirtioTransport transport;
    private boolean holding;
    private String failing = "";
    private boolean outOfMemory;

    /** From here on chains are taken, but not read and not returned. */
    void hold() {
        holding = true;
    }

    /** From here on chains are read again, the ones held as well. */
    void letGo() {
        holding = false;
        List.copyOf(running.keySet()).forEach(this::serve);
    }

    /** From here on there is a bug: what is noted with these words is not survived. */
    void failOn(String event) {
        failOn(event, false);
    }

    /** The same, where there is no memory left. */
    void failOn(String event, boolean noMemory) {
        failing = event;
        outOfMemory = noMemory;
    }

    private void note(String event) {
        events.add(event);
        if (event.equals(failing) && outOfMemory) {
            throw new OutOfMemoryError("made for a test: " + event);
        }
        if (event.equals(failing)) {
            throw new IllegalStateException("bug, made for a test: " + event);
        }
    }

    /** What was noted since the last call. */
    List<String> takeEvents() {
        List<String> taken = List.copyOf(events);
        events.clear();
        return taken;
    }

    /** How often something was noted since the last {@link #takeEvents}. */
    long count(String event) {
        return events.stream().filter(event::equals).count();
    }

    /** What the driver has written to a queue so far. */
    String text(int queue) {
        return texts.getOrDefault(queue, "");
    }

    boolean isRunning(int queue) {
        return running.containsKey(queue);
    }

    void changeConfig() {
        if (transport == null) {
            throw new AssertionError("no transport");
        }
        transport.configChanged();
    }

    private void serve(int index) {
        VirtQueue queue = running.get(index);
        if (queue == null) {
            throw new AssertionError("queue is not started: queue=" + index);
        }
        try {
            if (holding) {
                queue.walkReadable();
            } else {
                queue.drain(read -> read(index, read));
            }
        } catch (DriverFaultException e) {
            if (transport != null) {
                transport.driverFault(index, e);
            }
        }
    }

    private boolean read(int index, VirtQueue queue) {
        int n = queue.segments().copyTo(buffer, BUFFER_LENGTH);
        byte[] bytes = new byte[n];
        NativeMemory.get(buffer, bytes, 0, n);
        texts.merge(index, new String(bytes, StandardCharsets.UTF_8), String::concat);
        queue.consume(n);
        return true;
    }

    @Override
    public int queueCount() {
        return QUEUES;
    }

    @Override
    public long features() {
        return FEATURES;
    }

    @Override
    public int configBytes() {
        return CONFIG_BYTES;
    }

    /** Each byte holds its offset plus 1. */
    @Override
    public void readConfig(byte[] to) {
        for (int i = 0; i < CONFIG_BYTES; i++) {
            to[i] = (byte) (i + 1);
        }
    }

    @Override
    public void writeConfig(int offset, byte[] bytes) {
        note("config " + offset + " " + Arrays.toString(bytes));
    }

    @Override
    public void attach(VirtioTransport newTransport) {
        note("attach");
        transport = newTransport;
    }

    @Override
    public void detach() {
        note("detach");
        if (!running.isEmpty()) {
            throw new AssertionError("detached while queues run: " + running.keySet());
        }
        transport = null;
    }

    @Override
    public void driverFeatures(long features) {
        note("features 0x" + Long.toHexString(features));
    }

    @Override
    public void startQueue(int index, VirtQueue queue) {
        if (running.put(index, queue) != null) {
            throw new AssertionError("queue is started twice: queue=" + index);
        }
        note("start " + index);
        serve(index);
    }

    @Override
    public void stopQueue(int index) {
        VirtQueue queue = running.remove(index);
        if (queue == null) {
            throw new AssertionError("queue is stopped twice: queue=" + index);
        }
        queue.rewind();
        note("stop " + index);
    }

    @Override
    public void queueNotified(int index) {
        note("notify " + index);
        serve(index);
    }

    @Override
    public void reset() {
        note("reset");
        if (!running.isEmpty()) {
            throw new AssertionError("reset while queues run: " + running.keySet());
        }
    }

    /** Its state is any text that begins with this. */
    static final String STATE = "state ";

    static final int MAX_STATE_BYTES = 1 << 20;

    /** What it saves. */
    byte[] state = STATE.getBytes(StandardCharsets.UTF_8);

    @Override
    public int maxStateBytes() {
        return MAX_STATE_BYTES;
    }

    @Override
    public byte[] saveState() {
        events.add("save");
        return state;
    }

    @Override
    public void restoreState(byte[] restored) throws DeviceStateException {
        if (!new String(restored, StandardCharsets.UTF_8).startsWith(STATE)) {
            throw new DeviceStateException("no state of a recording device: bytes=" + restored.length);
        }
        events.add("restore " + restored.length);
    }

    @Override
    public void close() {
        NativeMemory.free(buffer);
    }
}
