package org.vportd.virtio.queue;

import org.jspecify.annotations.Nullable;
import org.vportd.posix.NativeMemory;

/**
 * Where the chains are noted that the device has taken from one queue and not returned: one queue's part of an in-flight
 * area, as mapped here (vhost-user "Inflight I/O tracking"). The numbers are in the machine's order.
 *
 * <table>
 * <caption>Both formats</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>8</td><td>features: 0</td></tr>
 * <tr><td>8</td><td>2</td><td>version: 1, or 0 if nothing is noted yet</td></tr>
 * <tr><td>10</td><td>2</td><td>desc_num: the number of entries</td></tr>
 * </table>
 *
 * <p>What follows is in {@link InflightSplit} and {@link InflightPacked}.
 *
 * @param address where it begins; nothing but plain stores may touch it, its file may get shorter
 * @param entries as many as the queue has descriptors, or more
 */
public record InflightRegion(long address, int entries) {
    static final int VERSION_OFFSET = 8;
    static final int DESC_NUM_OFFSET = 10;
    static final int VERSION = 1;

    private static final int ALIGNMENT = 64;

    /** The distance from one queue's region to the next. */
    public static long bytes(boolean packed, int entries) {
        long bytes = packed ? InflightPacked.bytes(entries) : InflightSplit.bytes(entries);
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }

    /** Why the region cannot be used for a queue, or null if it can. */
    public @Nullable String fault(int queueSize) {
        int version = NativeMemory.getShort(address + VERSION_OFFSET) & 0xffff;
        int noted = NativeMemory.getShort(address + DESC_NUM_OFFSET) & 0xffff;
        if (entries < queueSize) {
            return "in-flight area is too small: entries=" + entries + " num=" + queueSize;
        }
        if (version > VERSION) {
            return "in-flight area has an unknown version: version=" + version;
        }
        if (version == VERSION && noted != entries) {
            return "in-flight area is for another queue size: desc_num=" + noted + " entries=" + entries;
        }
        return null;
    }

    /** Whether a chain is noted as in flight. */
    public boolean isTaken(boolean packed) {
        for (int i = 0; i < entries; i++) {
            long entry = packed ? InflightPacked.entry(i) : InflightSplit.entry(i);
            if (NativeMemory.getByte(address + entry) != 0) {
                return true;
            }
        }
        return false;
    }

    /** Has whoever uses it next begin anew. */
    public void forget() {
        NativeMemory.putShort(address + VERSION_OFFSET, (short) 0);
    }
}
