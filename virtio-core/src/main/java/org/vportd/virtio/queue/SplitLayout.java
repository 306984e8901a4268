package org.vportd.virtio.queue;

/**
 * The split virtqueue in memory, all little-endian (Virtio 1.3 §2.7).
 *
 * <table>
 * <caption>Descriptor, 16 bytes</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>8</td><td>addr</td></tr>
 * <tr><td>8</td><td>4</td><td>len</td></tr>
 * <tr><td>12</td><td>2</td><td>flags</td></tr>
 * <tr><td>14</td><td>2</td><td>next</td></tr>
 * </table>
 *
 * <table>
 * <caption>Available ring of Q entries</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>2</td><td>flags</td></tr>
 * <tr><td>2</td><td>2</td><td>idx</td></tr>
 * <tr><td>4</td><td>2 Q</td><td>ring: heads</td></tr>
 * <tr><td>4 + 2 Q</td><td>2</td><td>used_event, with EVENT_IDX</td></tr>
 * </table>
 *
 * <table>
 * <caption>Used ring of Q entries</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>2</td><td>flags</td></tr>
 * <tr><td>2</td><td>2</td><td>idx</td></tr>
 * <tr><td>4</td><td>8 Q</td><td>ring: id (4), len (4)</td></tr>
 * <tr><td>4 + 8 Q</td><td>2</td><td>avail_event, with EVENT_IDX</td></tr>
 * </table>
 */
public final class SplitLayout {
    /** Bytes of one descriptor. */
    public static final int DESC_LENGTH = 16;
    /** Offset of {@code len}; read as 64 bits it brings {@code flags} and {@code next} along. */
    public static final int DESC_LEN_OFFSET = 8;
    /** Offset of {@code flags}. */
    public static final int DESC_FLAGS_OFFSET = 12;
    /** Offset of {@code next}. */
    public static final int DESC_NEXT_OFFSET = 14;
    /** The chain goes on at {@code next}. */
    public static final int VIRTQ_DESC_F_NEXT = 1;
    /** The device writes to the buffer; otherwise it reads. */
    public static final int VIRTQ_DESC_F_WRITE = 2;
    /** The buffer holds a table of descriptors. */
    public static final int VIRTQ_DESC_F_INDIRECT = 4;

    /** Offset of {@code flags} in both rings. */
    public static final int FLAGS_OFFSET = 0;
    /** Offset of {@code idx} in both rings. */
    public static final int IDX_OFFSET = 2;
    /** Offset of the entries in both rings. */
    public static final int RING_OFFSET = 4;
    /** Bytes of one entry of the available ring. */
    public static final int AVAIL_ELEM_LENGTH = 2;
    /** Bytes of one entry of the used ring. */
    public static final int USED_ELEM_LENGTH = 8;
    /** Offset of {@code len} in an entry of the used ring. */
    public static final int USED_ELEM_LEN_OFFSET = 4;
    /** In the available ring's flags: no call, please. */
    public static final int VIRTQ_AVAIL_F_NO_INTERRUPT = 1;
    /** In the used ring's flags: no kick, please. */
    public static final int VIRTQ_USED_F_NO_NOTIFY = 1;
    /** Bytes of {@code used_event} and of {@code avail_event}. */
    public static final int EVENT_LENGTH = 2;

    /** Alignment of the descriptor table (§2.7.5). */
    public static final int DESC_ALIGNMENT = 16;
    /** Alignment of the available ring. */
    public static final int AVAIL_ALIGNMENT = 2;
    /** Alignment of the used ring. */
    public static final int USED_ALIGNMENT = 4;

    private SplitLayout() {}

    /** Bytes of a descriptor table. */
    public static long descriptorBytes(int size) {
        return (long) size * DESC_LENGTH;
    }

    /** Bytes of an available ring. */
    public static long availBytes(int size, boolean eventIdx) {
        return usedEventOffset(size) + (eventIdx ? EVENT_LENGTH : 0);
    }

    /** Bytes of a used ring. */
    public static long usedBytes(int size, boolean eventIdx) {
        return availEventOffset(size) + (eventIdx ? EVENT_LENGTH : 0);
    }

    /** Offset of {@code used_event} in the available ring. */
    public static long usedEventOffset(int size) {
        return RING_OFFSET + (long) size * AVAIL_ELEM_LENGTH;
    }

    /** Offset of {@code avail_event} in the used ring. */
    public static long availEventOffset(int size) {
        return RING_OFFSET + (long) size * USED_ELEM_LENGTH;
    }

    /** The distance from one free-running 16-bit index to a later one. Range: 0 to 65535. */
    public static int distance(int from, int to) {
        return (to - from) & 0xffff;
    }
}
