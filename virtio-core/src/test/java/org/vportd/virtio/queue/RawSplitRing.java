package org.vportd.virtio.queue;

import org.vportd.posix.LittleEndian;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.QueueDriver;

/** See {@link RawRing}. */
final class RawSplitRing extends RawRing {
    RawSplitRing(DriverMemory memory, QueueDriver driver) {
        super(memory, driver);
    }

    @Override
    void descriptor(int index, long address, long length, int flags, int next) {
        tableEntry(driver.descriptorAddress(), index, address, length, flags, next);
    }

    @Override
    void scribble(int index, long address, long length, int flags, int next) {
        descriptor(index, address, length, flags, next);
    }

    @Override
    void tableEntry(long table, int index, long address, long length, int flags, int next) {
        long rest = (length & 0xffff_ffffL) | (long) flags << 32 | (long) next << 48;
        putEntry(table + (long) index * SplitLayout.DESC_LENGTH, address, rest);
    }

    @Override
    void offer(int head) {
        int index = availIdx();
        LittleEndian.putU16(avail(SplitLayout.RING_OFFSET + 2L * (index & (size - 1))), head);
        setAvailIdx(index + 1);
    }

    int availIdx() {
        return LittleEndian.getU16(avail(SplitLayout.IDX_OFFSET));
    }

    void setAvailIdx(int index) {
        LittleEndian.putU16(avail(SplitLayout.IDX_OFFSET), index);
    }

    @Override
    int used() {
        return LittleEndian.getU16(used(SplitLayout.IDX_OFFSET));
    }

    int usedFlags() {
        return LittleEndian.getU16(used(SplitLayout.FLAGS_OFFSET));
    }

    @Override
    int usedId(int chain) {
        return LittleEndian.getInt(used(SplitLayout.RING_OFFSET + 8L * chain));
    }

    @Override
    int usedLength(int chain) {
        return LittleEndian.getInt(used(SplitLayout.RING_OFFSET + 8L * chain + 4));
    }

    @Override
    void setUsedEvent(int index) {
        LittleEndian.putU16(avail(SplitLayout.usedEventOffset(size)), index);
    }

    int availEvent() {
        return LittleEndian.getU16(used(SplitLayout.availEventOffset(size)));
    }

    @Override
    int restart() {
        setAvailIdx(used());
        return used();
    }

    private long avail(long offset) {
        return memory.hostAddress(driver.availAddress() + offset);
    }

    private long used(long offset) {
        return memory.hostAddress(driver.usedAddress() + offset);
    }
}
