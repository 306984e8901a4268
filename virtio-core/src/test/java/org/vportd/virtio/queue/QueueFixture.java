package org.vportd.virtio.queue;

import java.util.List;
import org.vportd.posix.IoVector;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.SplitDriver;
import org.vportd.virtio.memory.GuestMemory;

/** A driver and a device on the same ring in real shared memory, and raw access to the ring for what no driver does. */
final class QueueFixture implements AutoCloseable {
    static final int NEXT = SplitLayout.VIRTQ_DESC_F_NEXT;
    static final int WRITE = SplitLayout.VIRTQ_DESC_F_WRITE;
    static final int INDIRECT = SplitLayout.VIRTQ_DESC_F_INDIRECT;

    private static final long REGION_BYTES = 8 << 20;

    final DriverMemory memory;
    final SplitDriver driver;
    final GuestMemory deviceMemory;
    final boolean eventIdx;
    SplitQueue queue;
    int calls;

    QueueFixture(int size, boolean eventIdx) throws PosixException {
        this(size, eventIdx, List.of(new DriverMemory.Range(DriverMemory.DEFAULT_GUEST_ADDRESS, REGION_BYTES)), 0);
    }

    QueueFixture(int size, boolean eventIdx, List<DriverMemory.Range> ranges, int indirectEntries)
            throws PosixException {
        this.memory = DriverMemory.open(ranges, true);
        this.driver = new SplitDriver(memory, size, eventIdx, indirectEntries);
        this.deviceMemory = memory.mapForDevice();
        this.eventIdx = eventIdx;
        this.queue = newQueue(0, true);
    }

    /** A new device on the ring as it is. */
    SplitQueue newQueue(int base, boolean indirect) {
        QueueConfig config = new QueueConfig(
                driver.size(),
                device(driver.descriptorAddress()),
                device(driver.availAddress()),
                device(driver.usedAddress()),
                base,
                eventIdx,
                indirect);
        return new SplitQueue(config, deviceMemory, () -> calls++);
    }

    /** Replaces the device, as a stop and a start do. */
    void restart() {
        HeldPosition held = queue.rewind();
        int base = queue.base();
        queue.close();
        queue = newQueue(base, true);
        queue.resumeAt(held);
    }

    private long device(long guestAddress) {
        return deviceMemory.guestRange(guestAddress, 1);
    }

    long data(int lengthBytes) {
        return memory.allocate(lengthBytes, 16);
    }

    long data(byte[] bytes) {
        long address = data(bytes.length);
        write(address, bytes);
        return address;
    }

    void write(long guestAddress, byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            NativeMemory.putByte(memory.hostAddress(guestAddress + i), bytes[i]);
        }
    }

    byte[] read(long guestAddress, int lengthBytes) {
        byte[] bytes = new byte[lengthBytes];
        for (int i = 0; i < lengthBytes; i++) {
            bytes[i] = NativeMemory.getByte(memory.hostAddress(guestAddress + i));
        }
        return bytes;
    }

    void descriptor(int index, long address, long length, int flags, int next) {
        tableEntry(driver.descriptorAddress(), index, address, length, flags, next);
    }

    void tableEntry(long table, int index, long address, long length, int flags, int next) {
        long entry = table + (long) index * SplitLayout.DESC_LENGTH;
        LittleEndian.putLong(memory.hostAddress(entry), address);
        LittleEndian.putLong(
                memory.hostAddress(entry + SplitLayout.DESC_LEN_OFFSET),
                (length & 0xffff_ffffL) | (long) flags << 32 | (long) next << 48);
    }

    /** Makes one more chain available. */
    void offer(int head) {
        int index = availIdx();
        LittleEndian.putU16(avail(SplitLayout.RING_OFFSET + 2L * (index & (driver.size() - 1))), head);
        setAvailIdx(index + 1);
    }

    int availIdx() {
        return LittleEndian.getU16(avail(SplitLayout.IDX_OFFSET));
    }

    void setAvailIdx(int index) {
        LittleEndian.putU16(avail(SplitLayout.IDX_OFFSET), index);
    }

    int usedIdx() {
        return LittleEndian.getU16(used(SplitLayout.IDX_OFFSET));
    }

    int usedFlags() {
        return LittleEndian.getU16(used(SplitLayout.FLAGS_OFFSET));
    }

    int usedElementId(int slot) {
        return LittleEndian.getInt(used(SplitLayout.RING_OFFSET + 8L * slot));
    }

    int usedElementLength(int slot) {
        return LittleEndian.getInt(used(SplitLayout.RING_OFFSET + 8L * slot + 4));
    }

    void setUsedEvent(int index) {
        LittleEndian.putU16(avail(SplitLayout.usedEventOffset(driver.size())), index);
    }

    int availEvent() {
        return LittleEndian.getU16(used(SplitLayout.availEventOffset(driver.size())));
    }

    private long avail(long offset) {
        return memory.hostAddress(driver.availAddress() + offset);
    }

    private long used(long offset) {
        return memory.hostAddress(driver.usedAddress() + offset);
    }

    /** The bytes of the device's window, not consumed. */
    byte[] window() {
        IoVector segments = queue.segments();
        byte[] bytes = new byte[(int) segments.bytes()];
        int at = 0;
        for (int i = 0; i < segments.segments(); i++) {
            NativeMemory.get(segments.segmentAddress(i), bytes, at, (int) segments.segmentBytes(i));
            at += (int) segments.segmentBytes(i);
        }
        return bytes;
    }

    /** Writes to the front of the device's window and returns the chains. */
    void fillWindow(byte[] bytes) {
        long source = NativeMemory.allocate(bytes.length);
        try {
            NativeMemory.put(bytes, 0, source, bytes.length);
            if (queue.segments().copyFrom(source, bytes.length) != bytes.length) {
                throw new AssertionError("window is too small: bytes=" + bytes.length);
            }
        } finally {
            NativeMemory.free(source);
        }
        queue.fill(bytes.length);
    }

    static byte[] pattern(int from, int lengthBytes) {
        byte[] bytes = new byte[lengthBytes];
        for (int i = 0; i < lengthBytes; i++) {
            bytes[i] = (byte) (from + i);
        }
        return bytes;
    }

    @Override
    public void close() {
        queue.close();
        deviceMemory.close();
        memory.close();
    }
}
