package org.vportd.virtio.queue;

import java.util.ArrayList;
import java.util.List;
import org.vportd.posix.LittleEndian;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.QueueDriver;

/** See {@link RawRing}: descriptors are kept here, and written one after the other when a chain of them is offered. */
final class RawPackedRing extends RawRing {
    private final List<Chain> chains = new ArrayList<>();
    private final long[] addresses;
    private final long[] lengths;
    private final int[] flags;
    private final int[] nexts;
    private int cursor = PackedLayout.FIRST_CURSOR;
    private int used;

    private record Chain(int cursor, int head) {}

    RawPackedRing(DriverMemory memory, QueueDriver driver) {
        super(memory, driver);
        addresses = new long[size];
        lengths = new long[size];
        flags = new int[size];
        nexts = new int[size];
    }

    @Override
    void descriptor(int index, long address, long length, int flag, int next) {
        addresses[index] = address;
        lengths[index] = length;
        flags[index] = flag;
        nexts[index] = next;
    }

    /** Whose it is then depends on an arbitrary number too. */
    @Override
    void scribble(int index, long address, long length, int flag, int next) {
        put(index, address, length, next, flag | PackedLayout.availableFlags(next << 15));
    }

    @Override
    void tableEntry(long table, int index, long address, long length, int flag, int next) {
        putEntry(table + (long) index * PackedLayout.DESC_LENGTH, address, rest(length, 0, flag));
    }

    private static long rest(long length, int id, int flag) {
        return (length & 0xffff_ffffL) | (long) id << 32 | (long) flag << 48;
    }

    /** A chain that goes round in circles fills the ring. */
    @Override
    void offer(int head) {
        used();
        chains.add(new Chain(cursor, head));
        int at = head;
        int first = 0;
        for (int i = 0; i < size; i++) {
            int all = flags[at] | PackedLayout.availableFlags(cursor);
            first = i == 0 ? all : first;
            putEntry(slot(cursor), addresses[at], rest(lengths[at], head, i == 0 ? all ^ 0x8080 : all));
            cursor = PackedLayout.advance(cursor, 1, size);
            if ((flags[at] & SplitLayout.VIRTQ_DESC_F_NEXT) == 0) {
                break;
            }
            at = nexts[at];
        }
        putFlags(chains.get(chains.size() - 1).cursor, first);
    }

    private long slot(int at) {
        return driver.descriptorAddress() + (long) PackedLayout.offset(at) * PackedLayout.DESC_LENGTH;
    }

    /** Where the next chain goes. */
    int cursor() {
        return cursor;
    }

    void putFlags(int at, int value) {
        LittleEndian.putU16(memory.hostAddress(slot(at) + PackedLayout.DESC_FLAGS_OFFSET), value);
    }

    /** Writes a descriptor as it is, wherever it is. */
    void put(int at, long address, long length, int id, int flag) {
        putEntry(slot(at), address, rest(length, id, flag));
    }

    int id(int at) {
        return LittleEndian.getU16(memory.hostAddress(slot(at) + PackedLayout.DESC_ID_OFFSET));
    }

    int flags(int at) {
        return LittleEndian.getU16(memory.hostAddress(slot(at) + PackedLayout.DESC_FLAGS_OFFSET));
    }

    int length(int at) {
        return LittleEndian.getInt(memory.hostAddress(slot(at) + PackedLayout.DESC_LEN_OFFSET));
    }

    /** Has to be asked once in a round at least. */
    @Override
    int used() {
        while (used < chains.size()) {
            int at = chains.get(used).cursor;
            if (!PackedLayout.isUsed(flags(at), at)) {
                break;
            }
            used++;
        }
        return used;
    }

    @Override
    int usedId(int chain) {
        return id(chains.get(chain).cursor);
    }

    @Override
    int usedLength(int chain) {
        return length(chains.get(chain).cursor);
    }

    @Override
    void setUsedEvent(int place) {
        setEvent(driver.availAddress(), PackedLayout.eventAt(place));
    }

    void setDriverEvent(int event) {
        setEvent(driver.availAddress(), event);
    }

    private void setEvent(long address, int event) {
        LittleEndian.putInt(memory.hostAddress(address), event);
    }

    /** What the device has written of its wish to be kicked. */
    int deviceEvent() {
        return LittleEndian.getInt(memory.hostAddress(driver.usedAddress()));
    }

    @Override
    int restart() {
        for (int i = 0; i < size; i++) {
            putFlags(i, 0);
        }
        cursor = PackedLayout.FIRST_CURSOR;
        chains.clear();
        used = 0;
        return PackedLayout.FIRST_BASE;
    }
}
