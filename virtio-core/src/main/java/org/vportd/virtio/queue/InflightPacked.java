package org.vportd.virtio.queue;

import static org.vportd.virtio.queue.InflightRegion.DESC_NUM_OFFSET;
import static org.vportd.virtio.queue.InflightRegion.VERSION;
import static org.vportd.virtio.queue.InflightRegion.VERSION_OFFSET;

import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Notes the chains in flight of a packed ring, with a copy of every descriptor: used ones take their place in the ring.
 *
 * <table>
 * <caption>Region, after the fields that both formats have</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>12</td><td>2</td><td>free_head: where the entries begin that are free</td></tr>
 * <tr><td>14</td><td>2</td><td>old_free_head: that of when all was noted</td></tr>
 * <tr><td>16</td><td>2</td><td>used_idx: where the next used descriptor goes</td></tr>
 * <tr><td>18</td><td>2</td><td>old_used_idx: likewise</td></tr>
 * <tr><td>20</td><td>1</td><td>used_wrap_counter</td></tr>
 * <tr><td>21</td><td>1</td><td>old_used_wrap_counter</td></tr>
 * <tr><td>32</td><td>32 each</td><td>as many entries as there are descriptors</td></tr>
 * </table>
 *
 * <table>
 * <caption>Entry: one descriptor; the first four fields matter in the first one of a chain</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>1</td><td>inflight</td></tr>
 * <tr><td>2</td><td>2</td><td>next: entry of the chain, or of those that are free</td></tr>
 * <tr><td>4</td><td>2</td><td>last: entry of the chain</td></tr>
 * <tr><td>6</td><td>2</td><td>num: length of the chain</td></tr>
 * <tr><td>8</td><td>8</td><td>counter: the later a chain was taken, the greater</td></tr>
 * <tr><td>16</td><td>2</td><td>id</td></tr>
 * <tr><td>18</td><td>2</td><td>flags</td></tr>
 * <tr><td>20</td><td>4</td><td>len</td></tr>
 * <tr><td>24</td><td>8</td><td>addr</td></tr>
 * </table>
 *
 * <p>A chain is taken as soon as {@code old_free_head} is past its entries, and returned as soon as the first descriptor of
 * its batch reads as used.
 */
final class InflightPacked {
    static final int[] NONE = {};

    private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    private static final int FREE_HEAD_OFFSET = 12;
    private static final int OLD_FREE_HEAD_OFFSET = 14;
    private static final int USED_IDX_OFFSET = 16;
    private static final int OLD_USED_IDX_OFFSET = 18;
    private static final int USED_WRAP_OFFSET = 20;
    private static final int OLD_USED_WRAP_OFFSET = 21;
    private static final int ENTRIES_OFFSET = 32;
    private static final int ENTRY_LENGTH = 32;
    private static final int NEXT_OFFSET = 2;
    private static final int LAST_OFFSET = 4;
    private static final int NUM_OFFSET = 6;
    private static final int COUNTER_OFFSET = 8;
    private static final int ID_OFFSET = 16;
    private static final int FLAGS_OFFSET = 18;
    private static final int LEN_OFFSET = 20;
    private static final int ADDR_OFFSET = 24;

    private final InflightStore store;
    private final int entries;
    private final IntQueue taken = new IntQueue();
    /** What the region holds, for it is not to be trusted. */
    private final int[] next;

    private final int[] last;
    private final int[] num;
    private int freeHead;
    private long counter;
    private int usedCursor;
    private int returnedSteps;
    private int returned;

    private int chainEnd;
    private int chainLast;
    private int chainSteps;

    InflightPacked(InflightStore store, int entries) {
        this.store = store;
        this.entries = entries;
        this.next = new int[entries];
        this.last = new int[entries];
        this.num = new int[entries];
    }

    static long bytes(int entries) {
        return ENTRIES_OFFSET + (long) entries * ENTRY_LENGTH;
    }

    /** Where an entry begins in the region. */
    static long entry(int index) {
        return ENTRIES_OFFSET + (long) index * ENTRY_LENGTH;
    }

    // --- what was in flight

    /** The flags of a descriptor of the ring. */
    @FunctionalInterface
    interface RingFlags {
        int at(int cursor);
    }

    /**
     * Finds out what was in flight when the last device went away, and keeps it noted.
     *
     * @param cursor where the next used descriptor goes, unless something is noted; see {@link #usedCursor}
     * @param size the number of descriptors of the ring
     * @return the first entry of each chain, in the order in which they were taken; empty also if what is noted makes no
     *     sense
     */
    int[] recover(int cursor, int size, RingFlags ring) {
        usedCursor = cursor;
        if (store.getU16(VERSION_OFFSET) != VERSION) {
            begin();
            return NONE;
        }
        int old = cursor(store.getU16(OLD_USED_IDX_OFFSET), store.getByte(OLD_USED_WRAP_OFFSET));
        int latest = cursor(store.getU16(USED_IDX_OFFSET), store.getByte(USED_WRAP_OFFSET));
        if (PackedLayout.offset(old) >= size || PackedLayout.offset(latest) >= size) {
            begin();
            return NONE;
        }
        boolean visible = old != latest && !PackedLayout.isAvailable(ring.at(old), old);
        int free = store.getU16(visible ? FREE_HEAD_OFFSET : OLD_FREE_HEAD_OFFSET);
        clearFree(free); // before anything else: until then it is known from where on they are
        store.putU16(OLD_FREE_HEAD_OFFSET, free);
        VarHandle.releaseFence();
        int[] heads = inflightHeads();
        if (!readChains(heads, size)) {
            begin();
            return NONE;
        }
        usedCursor = visible ? latest : old;
        putUsed(usedCursor, usedCursor);
        VarHandle.releaseFence();
        linkFree(heads);
        return heads;
    }

    /** Where the next used descriptor goes, as far as was noted. */
    int usedCursor() {
        return usedCursor;
    }

    private static int cursor(int index, int wrapCounter) {
        return index | (wrapCounter != 0 ? PackedLayout.FIRST_CURSOR : 0);
    }

    /** Both places with both wrap counters are written at once, for a place without its counter would mislead. */
    private void putUsed(int latest, int old) {
        long latestIndex = PackedLayout.offset(latest);
        long oldIndex = PackedLayout.offset(old);
        long latestWrap = PackedLayout.sameRound(latest, PackedLayout.FIRST_CURSOR) ? 1 : 0;
        long oldWrap = PackedLayout.sameRound(old, PackedLayout.FIRST_CURSOR) ? 1 : 0;
        store.putLong(
                USED_IDX_OFFSET,
                LITTLE_ENDIAN
                        ? latestIndex | oldIndex << 16 | latestWrap << 32 | oldWrap << 40
                        : latestIndex << 48 | oldIndex << 32 | latestWrap << 24 | oldWrap << 16);
    }

    private void begin() {
        store.putU16(VERSION_OFFSET, 0);
        VarHandle.releaseFence(); // not known to be in use while it is made
        for (int i = 0; i < entries; i++) {
            store.putByte(entry(i), 0);
            setNext(i, i + 1);
        }
        store.putU16(DESC_NUM_OFFSET, entries);
        store.putU16(FREE_HEAD_OFFSET, 0);
        store.putU16(OLD_FREE_HEAD_OFFSET, 0);
        putUsed(usedCursor, usedCursor);
        freeHead = 0;
        VarHandle.releaseFence();
        store.putU16(VERSION_OFFSET, VERSION);
    }

    private void setNext(int index, int value) {
        next[index] = value;
        store.putU16(entry(index) + NEXT_OFFSET, value);
    }

    private void clearFree(int from) {
        int at = from;
        for (int i = 0; i < entries && at < entries; i++) {
            store.putByte(entry(at), 0);
            at = store.getU16(entry(at) + NEXT_OFFSET);
        }
        VarHandle.releaseFence();
    }

    private int[] inflightHeads() {
        List<Integer> heads = new ArrayList<>();
        for (int i = 0; i < entries; i++) {
            if (store.getByte(entry(i)) != 0) {
                heads.add(i);
            }
        }
        heads.sort(Comparator.comparingLong(head -> store.getLong(entry(head) + COUNTER_OFFSET)));
        if (!heads.isEmpty()) {
            counter = store.getLong(entry(heads.get(heads.size() - 1)) + COUNTER_OFFSET) + 1;
        }
        return heads.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Reads the chains into what is known here; false if they cannot be chains. */
    private boolean readChains(int[] heads, int size) {
        boolean[] seen = new boolean[entries];
        int left = size;
        for (int head : heads) {
            int length = store.getU16(entry(head) + NUM_OFFSET);
            if (length == 0 || length > left) {
                return false;
            }
            left -= length;
            int at = head;
            for (int i = 0; i < length; i++) {
                if (at >= entries || seen[at]) {
                    return false;
                }
                seen[at] = true;
                boolean more = (store.getU16(entry(at) + FLAGS_OFFSET) & SplitLayout.VIRTQ_DESC_F_NEXT) != 0;
                if (more != (i + 1 < length)) {
                    return false;
                }
                last[head] = at;
                next[at] = store.getU16(entry(at) + NEXT_OFFSET);
                at = next[at];
            }
            num[head] = length;
        }
        return true;
    }

    /** Puts all entries that belong to no chain into one list, from its end on: it never leads into a chain. */
    private void linkFree(int[] heads) {
        boolean[] busy = new boolean[entries];
        for (int head : heads) {
            int at = head;
            for (int i = 0; i < num[head]; i++) {
                busy[at] = true;
                at = next[at];
            }
        }
        freeHead = entries;
        for (int i = entries - 1; i >= 0; i--) {
            if (!busy[i]) {
                setNext(i, freeHead);
                freeHead = i;
                VarHandle.releaseFence();
            }
        }
        store.putU16(FREE_HEAD_OFFSET, freeHead);
        store.putU16(OLD_FREE_HEAD_OFFSET, freeHead);
    }

    /** Forgets what was found, from the last to the first, since it is going to be taken anew. */
    void drop(int[] heads) {
        for (int head : heads) {
            taken.add(head);
        }
        rewind(0);
    }

    /** The entry after another one of the same chain. */
    int following(int index) {
        return next[index];
    }

    /** The length of the chain that begins with an entry. */
    int length(int head) {
        return num[head];
    }

    /** A descriptor's {@code addr}. */
    long address(int index) {
        return store.getLong(entry(index) + ADDR_OFFSET);
    }

    /** A descriptor's {@code len}, {@code id} and {@code flags}, as in the ring. */
    long rest(int index) {
        long at = entry(index);
        return (store.getInt(at + LEN_OFFSET) & 0xffff_ffffL)
                | (long) store.getU16(at + ID_OFFSET) << 32
                | (long) store.getU16(at + FLAGS_OFFSET) << 48;
    }

    // --- taking

    /** A chain is being taken from the ring. */
    void start() {
        chainEnd = freeHead;
        chainSteps = 0;
    }

    /** The next descriptor of it. */
    void add(long address, long rest) {
        int at = chainEnd;
        store.putLong(entry(at) + ADDR_OFFSET, address);
        store.putInt(entry(at) + LEN_OFFSET, (int) rest);
        store.putU16(entry(at) + ID_OFFSET, (int) (rest >>> 32));
        store.putU16(entry(at) + FLAGS_OFFSET, (int) (rest >>> 48));
        chainLast = at;
        chainEnd = next[at];
        chainSteps++;
    }

    /** It has been taken. */
    void end() {
        int head = freeHead;
        long at = entry(head);
        store.putU16(at + LAST_OFFSET, chainLast);
        store.putU16(at + NUM_OFFSET, chainSteps);
        store.putLong(at + COUNTER_OFFSET, counter++);
        store.putByte(at, 1);
        last[head] = chainLast;
        num[head] = chainSteps;
        freeHead = chainEnd;
        store.putU16(FREE_HEAD_OFFSET, freeHead);
        VarHandle.releaseFence(); // not taken before all is noted
        store.putU16(OLD_FREE_HEAD_OFFSET, freeHead);
        taken.add(head);
    }

    /** A chain is taken that is noted already. */
    void takeAgain(int head) {
        taken.add(head);
    }

    // --- returning

    /** The first chains taken have been returned, which the driver cannot see yet. */
    void put(int steps) {
        returnedSteps += steps;
    }

    /**
     * The driver is going to see them.
     *
     * @param cursor where the next used descriptor will go
     */
    void beforeShown(int cursor) {
        int steps = 0;
        while (steps < returnedSteps) {
            int head = taken.get(returned++);
            steps += num[head];
            setNext(last[head], freeHead);
            freeHead = head;
        }
        store.putU16(FREE_HEAD_OFFSET, freeHead);
        putUsed(cursor, usedCursor);
        usedCursor = cursor;
    }

    /** The driver can see them. */
    void shown() {
        VarHandle.releaseFence(); // in flight until the ring says otherwise
        for (int i = 0; i < returned; i++) {
            store.putByte(entry(taken.get(i)), 0);
        }
        VarHandle.releaseFence();
        store.putU16(OLD_FREE_HEAD_OFFSET, freeHead);
        VarHandle.releaseFence();
        putUsed(usedCursor, usedCursor);
        taken.removeFirst(returned);
        returned = 0;
        returnedSteps = 0;
    }

    /** A store to the ring is next. */
    void beforeRingStore() {
        store.beforeOther();
    }

    /**
     * Chains taken go back to the ring, from the last to the first.
     *
     * @param again how many of the first ones were taken again: they are not in the ring, and stay in flight
     */
    void rewind(int again) {
        try {
            while (taken.size() > again) {
                int head = taken.removeLast();
                store.putByte(entry(head), 0);
                VarHandle.releaseFence();
                setNext(last[head], freeHead);
                freeHead = head;
                store.putU16(FREE_HEAD_OFFSET, head);
                store.putU16(OLD_FREE_HEAD_OFFSET, head);
            }
        } catch (InternalError gone) {
            // The area is not there any more, so nobody will look into it.
        }
        taken.clear();
    }
}
