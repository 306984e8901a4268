package org.vportd.virtio.queue;

/**
 * The packed virtqueue in memory, all little-endian (Virtio 1.3 §2.8).
 *
 * <table>
 * <caption>Descriptor, 16 bytes</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>8</td><td>addr</td></tr>
 * <tr><td>8</td><td>4</td><td>len</td></tr>
 * <tr><td>12</td><td>2</td><td>id</td></tr>
 * <tr><td>14</td><td>2</td><td>flags</td></tr>
 * </table>
 *
 * <table>
 * <caption>Event suppression, 4 bytes; one is the driver's, one the device's</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>2</td><td>desc: a cursor</td></tr>
 * <tr><td>2</td><td>2</td><td>flags: enable, disable, or at {@code desc}</td></tr>
 * </table>
 *
 * <p>A <em>cursor</em> is a place in the ring on its way round: the offset in bits 0 to 14, the wrap counter in bit 15.
 * The base of a vring is two of them, the next available one in the low half and the next used one in the high half
 * (vhost-user "A vring state description").
 */
public final class PackedLayout {
    /** Bytes of one descriptor. */
    public static final int DESC_LENGTH = SplitLayout.DESC_LENGTH;
    /** Offset of {@code len}; read as 64 bits it brings {@code id} and {@code flags} along. */
    public static final int DESC_LEN_OFFSET = 8;
    /** Offset of {@code id}. */
    public static final int DESC_ID_OFFSET = 12;
    /** Offset of {@code flags}. */
    public static final int DESC_FLAGS_OFFSET = 14;
    /** Together with {@link #VIRTQ_DESC_F_USED}: whose the descriptor is, in this round. */
    public static final int VIRTQ_DESC_F_AVAIL = 1 << 7;
    /** See {@link #VIRTQ_DESC_F_AVAIL}. */
    public static final int VIRTQ_DESC_F_USED = 1 << 15;

    /** Bytes of an event suppression structure; it is read and written as a whole. */
    public static final int EVENT_LENGTH = 4;
    /** Where the flags begin in an event suppression structure taken as a number. */
    public static final int EVENT_FLAGS_SHIFT = 16;
    /** The flags that mean something. */
    public static final int EVENT_FLAGS_MASK = 3;
    /** Notify always. */
    public static final int RING_EVENT_FLAGS_ENABLE = 0;
    /** Do not notify. */
    public static final int RING_EVENT_FLAGS_DISABLE = 1;
    /** Notify at one descriptor, with EVENT_IDX only. */
    public static final int RING_EVENT_FLAGS_DESC = 2;

    /** Alignment of the descriptor ring (§2.8). */
    public static final int DESC_ALIGNMENT = 16;
    /** Alignment of both event suppression structures. */
    public static final int EVENT_ALIGNMENT = 4;

    /** Where a ring begins: at its start, in the first round. */
    public static final int FIRST_CURSOR = 0x8000;
    /** The base of a ring that has not been used. */
    public static final int FIRST_BASE = base(FIRST_CURSOR);

    private static final int WRAP = 0x8000;
    private static final int OFFSET_MASK = 0x7fff;
    private static final int CURSOR_MASK = 0xffff;

    private PackedLayout() {}

    /** Bytes of a descriptor ring. */
    public static long descriptorBytes(int size) {
        return (long) size * DESC_LENGTH;
    }

    /** The offset of a cursor, in descriptors. */
    public static int offset(int cursor) {
        return cursor & OFFSET_MASK;
    }

    /** Whether two cursors are in rounds of the same parity. */
    public static boolean sameRound(int a, int b) {
        return ((a ^ b) & WRAP) == 0;
    }

    /** The cursor a number of descriptors further on; at most {@code size} of them. */
    public static int advance(int cursor, int descriptors, int size) {
        int at = offset(cursor) + descriptors;
        return at < size ? (cursor & WRAP) | at : ((cursor & WRAP) ^ WRAP) | (at - size);
    }

    /** The cursor of the next descriptor. */
    public static int next(int cursor, int size) {
        int next = cursor + 1;
        return offset(next) == size ? ~cursor & WRAP : next;
    }

    /** How far one cursor is ahead of another. Range: 0 to {@code 2 * size - 1} if both lie in the ring. */
    public static int distance(int from, int to, int size) {
        int offsets = offset(to) - offset(from);
        return sameRound(from, to) ? (offsets >= 0 ? offsets : offsets + 2 * size) : offsets + size;
    }

    /** The flags that make a descriptor available, to be joined with others (§2.8.1). */
    public static int availableFlags(int cursor) {
        return (cursor & WRAP) != 0 ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED;
    }

    /** The flags that mark a descriptor as used, to be joined with others (§2.8.1). */
    public static int usedFlags(int cursor) {
        return (cursor & WRAP) != 0 ? VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED : 0;
    }

    /** Whether the flags of the descriptor at a cursor say that it is available. */
    public static boolean isAvailable(int flags, int cursor) {
        return (flags & (VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED)) == availableFlags(cursor);
    }

    /** Whether the flags of the descriptor at a cursor say that it is used. */
    public static boolean isUsed(int flags, int cursor) {
        return (flags & (VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED)) == usedFlags(cursor);
    }

    /** An event suppression structure that names a descriptor. */
    public static int eventAt(int cursor) {
        return RING_EVENT_FLAGS_DESC << EVENT_FLAGS_SHIFT | cursor;
    }

    /** An event suppression structure that names none. */
    public static int event(int flags) {
        return flags << EVENT_FLAGS_SHIFT;
    }

    /**
     * Whether the other side wants to be notified (§2.8.10).
     *
     * @param event what its event suppression structure holds
     * @param eventIdx whether EVENT_IDX was negotiated
     * @param cursor where this side stands now
     * @param moved how many descriptors it has moved on since it asked last
     */
    public static boolean wantsNotification(int event, boolean eventIdx, int cursor, int moved, int size) {
        int flags = event >>> EVENT_FLAGS_SHIFT & EVENT_FLAGS_MASK;
        if (flags != RING_EVENT_FLAGS_DESC || !eventIdx) {
            return flags != RING_EVENT_FLAGS_DISABLE;
        }
        int named = sameRound(event, cursor) ? offset(event) : offset(event) - size;
        return (offset(cursor) - named - 1 & CURSOR_MASK) < moved;
    }

    /** The base of a ring in which all that was taken has been returned. */
    public static int base(int cursor) {
        return cursor << Short.SIZE | cursor;
    }

    /** The base of a ring in which chains have been taken and not returned. */
    public static int base(int used, int available) {
        return used << Short.SIZE | available;
    }

    /** The next available cursor of a base. */
    public static int availableCursor(int base) {
        return base & CURSOR_MASK;
    }

    /** The next used cursor of a base. */
    public static int usedCursor(int base) {
        return base >>> Short.SIZE;
    }

    /** Whether both cursors of a base lie in the ring. */
    public static boolean isBase(int base, int size) {
        return offset(availableCursor(base)) < size && offset(usedCursor(base)) < size;
    }
}
