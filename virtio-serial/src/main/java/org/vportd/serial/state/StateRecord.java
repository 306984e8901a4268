package org.vportd.serial.state;

import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.virtio.queue.HeldPosition;
import org.vportd.virtio.queue.QueueProgress;

/**
 * What is kept of one device in a {@link StateFile}: the positions in transmit queues, and its last state, in two places by
 * turns, so that there is always a whole one.
 *
 * <table>
 * <caption>A record</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>8</td><td>magic</td></tr>
 * <tr><td>8</td><td>8</td><td>bytes of the record</td></tr>
 * <tr><td>16</td><td>2</td><td>max_ports</td></tr>
 * <tr><td>18</td><td>2</td><td>bytes of the id, 0 if the record is not used any more</td></tr>
 * <tr><td>20</td><td>200</td><td>id</td></tr>
 * <tr><td>256</td><td>16 for each port</td><td>{@link QueueProgress}</td></tr>
 * <tr><td>then</td><td>2 slots</td><td>sequence number (8), bytes of the state (8), the state with its checksum</td></tr>
 * </table>
 */
public final class StateRecord implements StateKeeper, AutoCloseable {
    static final int MAX_ID_BYTES = 200;

    private static final System.Logger LOGGER = System.getLogger(StateRecord.class.getName());
    private static final long MAGIC = 0x4452_5444_5254_5056L;
    private static final int BYTES_OFFSET = 8;
    private static final int MAX_PORTS_OFFSET = 16;
    private static final int ID_BYTES_OFFSET = 18;
    private static final int ID_OFFSET = 20;
    private static final int PROGRESS_OFFSET = 256;
    private static final int SLOT_LENGTH_OFFSET = 8;
    private static final int SLOT_STATE_OFFSET = 16;
    private static final int CAPACITY = DeviceStateCodec.MAX_BYTES_BESIDES_BACKLOG;
    private static final int SLOT_BYTES = SLOT_STATE_OFFSET + CAPACITY;

    private final String path;
    private final MappedMemory memory;
    private final int maxPorts;
    private long sequence;

    StateRecord(String path, MappedMemory memory, int maxPorts) {
        this.path = path;
        this.memory = memory;
        this.maxPorts = maxPorts;
        for (int slot = 0; slot < 2; slot++) {
            sequence = Math.max(sequence, NativeMemory.getLong(slot(slot)));
        }
    }

    /** What a record is of. */
    record Header(String id, int maxPorts, long bytes) {
        /** Reads one, or answers null if there is none. */
        static @Nullable Header read(long address) {
            long bytes = NativeMemory.getLong(address + BYTES_OFFSET);
            int ports = NativeMemory.getShort(address + MAX_PORTS_OFFSET) & 0xffff;
            int idBytes = NativeMemory.getShort(address + ID_BYTES_OFFSET) & 0xffff;
            boolean valid = NativeMemory.getLong(address) == MAGIC
                    && ports >= 1
                    && ports <= DeviceState.MAX_PORTS
                    && idBytes <= MAX_ID_BYTES
                    && bytes == StateRecord.bytes(ports);
            if (!valid) {
                return null;
            }
            byte[] id = new byte[idBytes];
            NativeMemory.get(address + ID_OFFSET, id, 0, idBytes);
            return new Header(new String(id, StandardCharsets.UTF_8), ports, bytes);
        }
    }

    static long bytes(int maxPorts) {
        long bytes = slotsOffset(maxPorts) + 2L * SLOT_BYTES;
        return (bytes + StateFile.PAGE_BYTES - 1) & -StateFile.PAGE_BYTES;
    }

    private static long slotsOffset(int maxPorts) {
        return PROGRESS_OFFSET + (long) maxPorts * QueueProgress.LENGTH;
    }

    static void make(long address, byte[] id, int maxPorts) {
        NativeMemory.putLong(address + BYTES_OFFSET, bytes(maxPorts));
        NativeMemory.putShort(address + MAX_PORTS_OFFSET, (short) maxPorts);
        NativeMemory.putShort(address + ID_BYTES_OFFSET, (short) id.length);
        NativeMemory.put(id, 0, address + ID_OFFSET, id.length);
        for (int port = 0; port < maxPorts; port++) {
            QueueProgress.clear(address + PROGRESS_OFFSET + (long) port * QueueProgress.LENGTH);
        }
        VarHandle.releaseFence();
        NativeMemory.putLong(address, MAGIC);
    }

    static void discard(long address) {
        NativeMemory.putShort(address + ID_BYTES_OFFSET, (short) 0);
    }

    private long slot(int index) {
        return memory.address() + slotsOffset(maxPorts) + (long) index * SLOT_BYTES;
    }

    /** The state kept last, or null if there is none; with a warning if there should be one. */
    public @Nullable DeviceState last() {
        int newest = NativeMemory.getLong(slot(0)) > NativeMemory.getLong(slot(1)) ? 0 : 1;
        DeviceState state = read(slot(newest));
        return state == null ? read(slot(1 - newest)) : state;
    }

    private @Nullable DeviceState read(long slot) {
        if (NativeMemory.getLong(slot) == 0) {
            return null;
        }
        long length = NativeMemory.getLong(slot + SLOT_LENGTH_OFFSET);
        try {
            if (length < 0 || length > CAPACITY) {
                throw new StateFormatException("length is out of range: length=" + length);
            }
            byte[] bytes = new byte[(int) length];
            NativeMemory.get(slot + SLOT_STATE_OFFSET, bytes, 0, bytes.length);
            return DeviceStateCodec.decode(bytes);
        } catch (StateFormatException e) {
            warn("a state is not used: " + e.getMessage());
            return null;
        }
    }

    @Override
    public void keep(DeviceState state) {
        List<PortState> ports =
                state.ports().stream().map(StateRecord::withoutData).toList();
        byte[] bytes = DeviceStateCodec.encode(state.with(ports, state.messages()));
        sequence++;
        long slot = slot((int) (sequence & 1));
        NativeMemory.putLong(slot, 0);
        VarHandle.releaseFence(); // not taken for a state while it is written
        if (bytes.length > CAPACITY) {
            warn("state is too long to be kept: bytes=" + bytes.length);
            NativeMemory.putLong(slot((int) ((sequence + 1) & 1)), 0); // what is there is out of date
            return;
        }
        NativeMemory.put(bytes, 0, slot + SLOT_STATE_OFFSET, bytes.length);
        NativeMemory.putLong(slot + SLOT_LENGTH_OFFSET, bytes.length);
        VarHandle.releaseFence();
        NativeMemory.putLong(slot, sequence);
    }

    private static PortState withoutData(PortState port) {
        return new PortState(
                port.id(),
                port.console(),
                port.name(),
                port.announced(),
                port.guestConnected(),
                port.hostConnected(),
                port.stale(),
                HeldPosition.NONE,
                port.size(),
                new byte[0]);
    }

    @Override
    public QueueProgress progress(int port) {
        return new QueueProgress(memory.address() + PROGRESS_OFFSET + (long) port * QueueProgress.LENGTH);
    }

    /** Whether the file still reaches as far as the record does. */
    public boolean isIntact() {
        return memory.isIntact();
    }

    private void warn(String what) {
        LOGGER.log(System.Logger.Level.WARNING, "state file " + path + ": " + what);
    }

    /** Unmaps it; no queue may use it any more. */
    @Override
    public void close() {
        memory.close();
    }
}
