package org.vportd.virtio.queue;

import org.vportd.posix.LittleEndian;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.QueueDriver;

/** Raw access to a ring, past all rules, in terms of descriptors that name each other as in a split ring. */
abstract class RawRing {
    final DriverMemory memory;
    final QueueDriver driver;
    final int size;

    RawRing(DriverMemory memory, QueueDriver driver) {
        this.memory = memory;
        this.driver = driver;
        this.size = driver.size();
    }

    abstract void descriptor(int index, long address, long length, int flags, int next);

    abstract void scribble(int index, long address, long length, int flags, int next);

    abstract void tableEntry(long table, int index, long address, long length, int flags, int next);

    abstract void offer(int head);

    abstract int used();

    abstract int usedId(int chain);

    abstract int usedLength(int chain);

    abstract void setUsedEvent(int place);

    /** Nothing is available any more; answers the base. */
    abstract int restart();

    final void putEntry(long entry, long address, long rest) {
        LittleEndian.putLong(memory.hostAddress(entry), address);
        LittleEndian.putLong(memory.hostAddress(entry + SplitLayout.DESC_LEN_OFFSET), rest);
    }
}
