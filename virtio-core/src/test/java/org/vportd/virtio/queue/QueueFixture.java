package org.vportd.virtio.queue;

import java.util.List;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.QueueDriver;
import org.vportd.virtio.memory.GuestMemory;

/** A driver and a device on the same ring in real shared memory, and raw access to the ring for what no driver does. */
final class QueueFixture implements AutoCloseable {
    static final int NEXT = SplitLayout.VIRTQ_DESC_F_NEXT;
    static final int WRITE = SplitLayout.VIRTQ_DESC_F_WRITE;
    static final int INDIRECT = SplitLayout.VIRTQ_DESC_F_INDIRECT;

    private static final long REGION_BYTES = 8 << 20;

    final DriverMemory memory;
    final QueueDriver driver;
    final RingFormat format;
    final GuestMemory deviceMemory;
    final boolean eventIdx;
    VirtQueue queue;
    int calls;
    private final RawRing raw;

    QueueFixture(RingFormat format, int size, boolean eventIdx) throws PosixException {
        this(
                format,
                size,
                eventIdx,
                List.of(new DriverMemory.Range(DriverMemory.DEFAULT_GUEST_ADDRESS, REGION_BYTES)),
                0);
    }

    QueueFixture(RingFormat format, int size, boolean eventIdx, List<DriverMemory.Range> ranges, int indirectEntries)
            throws PosixException {
        this.memory = DriverMemory.open(ranges, true);
        this.format = format;
        this.driver = QueueDriver.open(memory, size, format.features(eventIdx, true), indirectEntries);
        this.deviceMemory = memory.mapForDevice();
        this.eventIdx = eventIdx;
        this.raw = format.isPacked() ? new RawPackedRing(memory, driver) : new RawSplitRing(memory, driver);
        this.queue = newQueue(driver.firstBase(), true);
    }

    /** A new device on the ring as it is. */
    VirtQueue newQueue(int base, boolean indirect) {
        return VirtQueue.open(config(base, indirect), deviceMemory, () -> calls++);
    }

    /** Replaces the device by one that notes chains in flight. */
    void track(int base, InflightStore store, int entries) {
        queue.close();
        queue = VirtQueue.open(config(base, true), deviceMemory, () -> calls++, store, entries);
    }

    private QueueConfig config(int base, boolean indirect) {
        return new QueueConfig(
                driver.size(),
                device(driver.descriptorAddress()),
                device(driver.availAddress()),
                device(driver.usedAddress()),
                base,
                VirtioFeature.rings(format.features(eventIdx, indirect)));
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

    // --- what no driver does

    void descriptor(int index, long address, long length, int flags, int next) {
        raw.descriptor(index, address, length, flags, next);
    }

    /** Overwrites a descriptor in the ring, in use or not. */
    void scribble(int index, long address, long length, int flags, int next) {
        raw.scribble(index, address, length, flags, next);
    }

    void tableEntry(long table, int index, long address, long length, int flags, int next) {
        raw.tableEntry(table, index, address, length, flags, next);
    }

    /** Makes one more chain available, of the descriptors written that begin with this one. */
    void offer(int head) {
        raw.offer(head);
    }

    /** How many of the chains offered have been returned. */
    int usedIdx() {
        return raw.used();
    }

    int usedElementId(int chain) {
        return raw.usedId(chain);
    }

    int usedElementLength(int chain) {
        return raw.usedLength(chain);
    }

    /** Names an arbitrary place at which to be called. */
    void setUsedEvent(int place) {
        raw.setUsedEvent(place);
    }

    /** Forgets what was offered and begins where the device begins. */
    void restartBroken() {
        queue.close();
        queue = newQueue(raw.restart(), true);
    }

    RawSplitRing split() {
        return (RawSplitRing) raw;
    }

    RawPackedRing packed() {
        return (RawPackedRing) raw;
    }

    /** The base after so many chains of one descriptor. */
    int baseAfter(int taken, int returned) {
        if (!format.isPacked()) {
            return taken;
        }
        int available = PackedLayout.advance(PackedLayout.FIRST_CURSOR, taken, driver.size());
        int used = PackedLayout.advance(PackedLayout.FIRST_CURSOR, returned, driver.size());
        return used << 16 | available;
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
