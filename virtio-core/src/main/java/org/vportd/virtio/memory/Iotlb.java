package org.vportd.virtio.memory;

import java.util.Arrays;

/**
 * Translations that an IOMMU has given the device: ranges of I/O virtual addresses and where they are mapped here. Holds a
 * limited number and gives up old ones for new ones, since what is missing can be asked for again. A lookup tries the
 * entry of the last hit first and allocates nothing.
 *
 * <p>Entries are sorted by address and never overlap. Of each that goes, the {@link Listener} hears before anything else
 * happens, so nobody uses an address of it afterwards.
 */
public final class Iotlb {
    /** The device may read. */
    public static final int READ = 1;
    /** The device may write. */
    public static final int WRITE = 2;
    /** The answer for an address that no entry covers. */
    public static final int NO_ENTRY = -1;
    /** What misses are asked for and counted in; entries may be smaller or larger. */
    public static final int PAGE_BYTES = 4096;

    private static final int INITIAL_CAPACITY = 64;
    private static final int FEW = 8;

    private final int limit;
    private final Listener listener;
    private long[] starts = new long[INITIAL_CAPACITY];
    private long[] sizes = new long[INITIAL_CAPACITY];
    private long[] users = new long[INITIAL_CAPACITY];
    private long[] hosts = new long[INITIAL_CAPACITY];
    private byte[] permissions = new byte[INITIAL_CAPACITY];
    private int count;
    private int hot;
    private int hand;

    /** Hears what is missing, what goes, and what is forbidden. */
    public interface Listener {
        /**
         * An address is wanted that no entry covers.
         *
         * @param permission what it is wanted for: {@link #READ}, {@link #WRITE} or both
         * @return whether the entry will be asked for, or has been; false if too much is missing at once
         */
        boolean missing(long iova, int permission);

        /** An entry does not permit what the driver wants done. */
        void denied(long iova, int permission);

        /** A range that was translated goes: no address in it may be used from here on. */
        void revoked(long hostAddress, long sizeBytes);

        /** Many ranges go at once. */
        void revokedMany();
    }

    /**
     * Makes an empty table.
     *
     * @param limit the most entries, at least 1
     */
    public Iotlb(int limit, Listener listener) {
        this.limit = limit;
        this.listener = listener;
    }

    /** The number of entries. */
    public int size() {
        return count;
    }

    /** The most entries. */
    public int limit() {
        return limit;
    }

    // --- lookups

    /** The entry that covers an address, or {@link #NO_ENTRY}; good until the table changes. */
    public int entryOf(long iova) {
        int i = hot;
        if (i < count && Long.compareUnsigned(iova - starts[i], sizes[i]) < 0) {
            return i;
        }
        i = firstAfter(iova) - 1;
        if (i >= 0 && Long.compareUnsigned(iova - starts[i], sizes[i]) < 0) {
            hot = i;
            return i;
        }
        return NO_ENTRY;
    }

    /** How many entries begin at an address or before it. */
    private int firstAfter(long iova) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (Long.compareUnsigned(starts[middle], iova) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Where an address that the entry covers is mapped here. */
    public long hostAddress(int entry, long iova) {
        return hosts[entry] + (iova - starts[entry]);
    }

    /** The bytes from an address to the end of the entry that covers it, at least 1. */
    public long bytesLeft(int entry, long iova) {
        return sizes[entry] - (iova - starts[entry]);
    }

    /** Whether all of a permission is given. */
    public boolean permits(int entry, int permission) {
        return (permissions[entry] & permission) == permission;
    }

    /** Asks for an address that no entry covers; false if too much is missing already. */
    public boolean miss(long iova, int permission) {
        return listener.missing(iova, permission);
    }

    /** Tells that an entry does not permit what is wanted. */
    public void deny(long iova, int permission) {
        listener.denied(iova, permission);
    }

    // --- changes

    /**
     * Takes an entry in; what it overlaps goes, unless it is the same translation.
     *
     * @param iova where it begins; iova and size do not run past 2^64
     * @param sizeBytes its length, at least 1
     * @param userAddress where that is in the front-end's address space
     * @param permission {@link #READ}, {@link #WRITE} or both
     * @param memory the regions, one of which the whole range must be in
     * @return false if it is not; nothing has changed then
     */
    public boolean update(long iova, long sizeBytes, long userAddress, int permission, GuestMemory memory) {
        long host = memory.userRange(userAddress, sizeBytes);
        if (host == GuestMemory.UNMAPPED) {
            return false;
        }
        int same = entryOf(iova);
        if (same != NO_ENTRY
                && starts[same] == iova
                && sizes[same] == sizeBytes
                && users[same] == userAddress
                && (permission & permissions[same]) == permissions[same]) {
            permissions[same] = (byte) permission;
            return true;
        }
        invalidate(iova, sizeBytes);
        if (count == limit) {
            hand = hand + 1 < count ? hand + 1 : 0; // any will do: a wrong choice costs one message
            remove(hand, hand + 1);
        }
        insert(firstAfter(iova), iova, sizeBytes, userAddress, host, permission);
        return true;
    }

    private void insert(int at, long iova, long sizeBytes, long user, long host, int permission) {
        if (count == starts.length) {
            int grown = Math.min(2 * count, limit);
            starts = Arrays.copyOf(starts, grown);
            sizes = Arrays.copyOf(sizes, grown);
            users = Arrays.copyOf(users, grown);
            hosts = Arrays.copyOf(hosts, grown);
            permissions = Arrays.copyOf(permissions, grown);
        }
        move(at, at + 1, count - at);
        count++;
        starts[at] = iova;
        sizes[at] = sizeBytes;
        users[at] = user;
        hosts[at] = host;
        permissions[at] = (byte) permission;
    }

    private void move(int from, int to, int entries) {
        System.arraycopy(starts, from, starts, to, entries);
        System.arraycopy(sizes, from, sizes, to, entries);
        System.arraycopy(users, from, users, to, entries);
        System.arraycopy(hosts, from, hosts, to, entries);
        System.arraycopy(permissions, from, permissions, to, entries);
    }

    /**
     * Gives up every entry that has an address of a range, also those that only begin or end in it.
     *
     * @param sizeBytes the length of the range, which does not run past 2^64; at least 1
     * @return whether there was one
     */
    public boolean invalidate(long iova, long sizeBytes) {
        int from = firstTouched(iova);
        int to = firstAfter(iova + (sizeBytes - 1));
        remove(from, to);
        return from < to;
    }

    /** The first entry that ends behind an address. */
    private int firstTouched(long iova) {
        int after = firstAfter(iova);
        boolean covered = after > 0 && Long.compareUnsigned(iova - starts[after - 1], sizes[after - 1]) < 0;
        return covered ? after - 1 : after;
    }

    /** Whether an address of a range is translated otherwise, or permits more, than an update would have it. */
    public boolean differs(long iova, long sizeBytes, long userAddress, int permission) {
        int to = firstAfter(iova + (sizeBytes - 1));
        for (int i = firstTouched(iova); i < to; i++) {
            if (users[i] - starts[i] != userAddress - iova || (permissions[i] & ~permission) != 0) {
                return true;
            }
        }
        return false;
    }

    /** Gives up all entries. */
    public void clear() {
        remove(0, count);
    }

    private void remove(int from, int to) {
        int removed = to - from;
        if (removed > FEW) {
            listener.revokedMany();
        } else {
            for (int i = from; i < to; i++) {
                listener.revoked(hosts[i], sizes[i]);
            }
        }
        move(to, from, count - to);
        count -= removed;
    }

    /**
     * Has the entries follow a change of the table of regions; those whose memory is no longer there go. Nobody may hold an
     * address of an entry meanwhile.
     */
    public void retranslate(GuestMemory memory) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            long host = memory.userRange(users[i], sizes[i]);
            if (host != GuestMemory.UNMAPPED) {
                move(i, kept, 1);
                hosts[kept] = host;
                kept++;
            }
        }
        count = kept;
    }
}
