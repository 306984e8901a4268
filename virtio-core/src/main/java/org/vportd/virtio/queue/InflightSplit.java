package org.vportd.virtio.queue;

import static org.vportd.virtio.queue.InflightRegion.DESC_NUM_OFFSET;
import static org.vportd.virtio.queue.InflightRegion.VERSION;
import static org.vportd.virtio.queue.InflightRegion.VERSION_OFFSET;
import static org.vportd.virtio.queue.SplitLayout.distance;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Notes the chains in flight of a split ring, so that whoever comes after a crash knows them.
 *
 * <table>
 * <caption>Region, after the fields that both formats have</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>12</td><td>2</td><td>last_batch_head: the chain returned last, the ones before it follow</td></tr>
 * <tr><td>14</td><td>2</td><td>used_idx: that of the ring, when all was noted</td></tr>
 * <tr><td>16</td><td>16 each</td><td>one entry for each head</td></tr>
 * </table>
 *
 * <table>
 * <caption>Entry</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>1</td><td>inflight</td></tr>
 * <tr><td>6</td><td>2</td><td>next: the chain returned before it</td></tr>
 * <tr><td>8</td><td>8</td><td>counter: the later a chain was taken, the greater</td></tr>
 * </table>
 *
 * <p>What is noted at any moment is the chains from the used index on, as many as were taken: each step leaves it so.
 */
final class InflightSplit {
    static final int[] NONE = {};

    private static final int LAST_BATCH_HEAD_OFFSET = 12;
    private static final int USED_IDX_OFFSET = 14;
    private static final int ENTRIES_OFFSET = 16;
    private static final int ENTRY_LENGTH = 16;
    private static final int NEXT_OFFSET = 6;
    private static final int COUNTER_OFFSET = 8;

    private final InflightStore store;
    private final int entries;
    private final IntQueue taken = new IntQueue();
    private int returned;
    private int lastBatchHead;
    private long counter;

    InflightSplit(InflightStore store, int entries) {
        this.store = store;
        this.entries = entries;
    }

    static long bytes(int entries) {
        return ENTRIES_OFFSET + (long) entries * ENTRY_LENGTH;
    }

    /** Where an entry begins in the region. */
    static long entry(int head) {
        return ENTRIES_OFFSET + (long) head * ENTRY_LENGTH;
    }

    /**
     * Finds out what was in flight when the last device went away, and keeps it noted.
     *
     * @param usedIdx the ring's used index
     * @param limit how many chains there can be
     * @return the heads, in the order in which they were taken; empty also if what is noted makes no sense
     */
    int[] recover(int usedIdx, int limit) {
        if (store.getU16(VERSION_OFFSET) != VERSION) {
            begin(usedIdx);
            return NONE;
        }
        lastBatchHead = store.getU16(LAST_BATCH_HEAD_OFFSET);
        finishBatch(usedIdx);
        List<Integer> heads = new ArrayList<>();
        for (int i = 0; i < entries; i++) {
            if (store.getByte(entry(i)) != 0) {
                heads.add(i);
            }
        }
        heads.sort(Comparator.comparingLong(head -> store.getLong(entry(head) + COUNTER_OFFSET)));
        if (heads.size() > limit) {
            begin(usedIdx);
            return NONE;
        }
        if (!heads.isEmpty()) {
            counter = store.getLong(entry(heads.get(heads.size() - 1)) + COUNTER_OFFSET) + 1;
        }
        return heads.stream().mapToInt(Integer::intValue).toArray();
    }

    private void begin(int usedIdx) {
        store.putU16(VERSION_OFFSET, 0);
        VarHandle.releaseFence(); // not known to be in use while it is made
        for (int i = 0; i < entries; i++) {
            store.putByte(entry(i), 0);
        }
        store.putU16(DESC_NUM_OFFSET, entries);
        store.putU16(LAST_BATCH_HEAD_OFFSET, 0);
        store.putU16(USED_IDX_OFFSET, usedIdx);
        lastBatchHead = 0;
        VarHandle.releaseFence();
        store.putU16(VERSION_OFFSET, VERSION);
    }

    /** Chains that the driver sees as used are not in flight, whether that has been noted or not. */
    private void finishBatch(int usedIdx) {
        int batch = distance(store.getU16(USED_IDX_OFFSET), usedIdx);
        if (batch <= entries) {
            int head = lastBatchHead;
            for (int i = 0; i < batch && head < entries; i++) {
                store.putByte(entry(head), 0);
                head = store.getU16(entry(head) + NEXT_OFFSET);
            }
        }
        VarHandle.releaseFence();
        store.putU16(USED_IDX_OFFSET, usedIdx);
    }

    /** Forgets what was found, from the last to the first, since it is going to be taken anew. */
    void drop(int[] heads) {
        for (int i = heads.length - 1; i >= 0; i--) {
            store.putByte(entry(heads[i]), 0);
            VarHandle.releaseFence();
        }
    }

    /** A chain is taken from the ring. */
    void take(int head) {
        store.putLong(entry(head) + COUNTER_OFFSET, counter++);
        VarHandle.releaseFence();
        store.putByte(entry(head), 1);
        taken.add(head);
    }

    /** A chain is taken that is noted already. */
    void takeAgain(int head) {
        taken.add(head);
    }

    /** The first chains taken have been returned, which the driver cannot see yet. */
    void put(int chains) {
        returned += chains;
    }

    /** The driver is going to see them. */
    void beforeShown() {
        for (int i = 0; i < returned; i++) {
            int head = taken.get(i);
            store.putU16(entry(head) + NEXT_OFFSET, lastBatchHead);
            lastBatchHead = head;
        }
        store.putU16(LAST_BATCH_HEAD_OFFSET, lastBatchHead);
        store.beforeOther();
    }

    /** The driver can see them. */
    void shown(int usedIdx) {
        VarHandle.releaseFence(); // in flight until the used index says otherwise
        for (int i = 0; i < returned; i++) {
            store.putByte(entry(taken.get(i)), 0);
        }
        VarHandle.releaseFence();
        store.putU16(USED_IDX_OFFSET, usedIdx);
        taken.removeFirst(returned);
        returned = 0;
    }

    /**
     * Chains taken go back to the ring, from the last to the first.
     *
     * @param again how many of the first ones were taken again: they are not in the ring, and stay in flight
     */
    void rewind(int again) {
        try {
            while (taken.size() > again) {
                store.putByte(entry(taken.removeLast()), 0);
                VarHandle.releaseFence();
            }
        } catch (InternalError gone) {
            // The area is not there any more, so nobody will look into it.
        }
        taken.clear();
    }
}
