package org.vportd.virtio.queue;

import org.vportd.posix.IoVector;
import org.vportd.virtio.memory.DirtyLog;
import org.vportd.virtio.memory.GuestMemory;

/**
 * Notes what a queue writes to guest memory in a {@link DirtyLog}: always what goes into buffers, and what goes into the
 * ring if the front-end wants that too. Each write is noted after it has been done.
 */
public final class RingLog {
    private final DirtyLog log;
    private final GuestMemory memory;
    private final boolean rings;
    private final long deviceArea;

    /**
     * Makes the notes of one queue that leave out what is written to the ring.
     *
     * @param memory in which the buffers lie
     */
    public RingLog(DirtyLog log, GuestMemory memory) {
        this(log, memory, false, 0);
    }

    /**
     * Makes the notes of one queue.
     *
     * @param memory in which the buffers lie
     * @param deviceArea the guest-physical address under which writes to the used ring are noted; of a packed ring, those to
     *     the device's event suppression
     */
    public RingLog(DirtyLog log, GuestMemory memory, long deviceArea) {
        this(log, memory, true, deviceArea);
    }

    private RingLog(DirtyLog log, GuestMemory memory, boolean rings, long deviceArea) {
        this.log = log;
        this.memory = memory;
        this.rings = rings;
        this.deviceArea = deviceArea;
    }

    /** Bytes have been written to the front of ranges. */
    void wroteTo(IoVector segments, long bytes) {
        long left = bytes;
        for (int i = 0; left > 0; i++) {
            long n = Math.min(left, segments.segmentBytes(i));
            mark(memory.guestAddress(segments.segmentAddress(i)), n);
            left -= n;
        }
    }

    /** A part of the device area has been written. */
    void wroteDeviceArea(long offset, int bytes) {
        if (rings) {
            if (Long.compareUnsigned(deviceArea + offset, deviceArea) < 0) {
                throw outside(deviceArea, bytes);
            }
            mark(deviceArea + offset, bytes);
        }
    }

    /** A descriptor of a packed ring has been written. */
    void wroteDescriptor(long hostAddress) {
        if (rings) {
            mark(memory.guestAddress(hostAddress), PackedLayout.DESC_LENGTH);
        }
    }

    private void mark(long guestAddress, long bytes) {
        if (!log.mark(guestAddress, bytes)) {
            throw outside(guestAddress, bytes);
        }
    }

    private static DriverFaultException outside(long guestAddress, long bytes) {
        return new DriverFaultException("written memory is outside of the dirty log: guest_address=0x"
                + Long.toHexString(guestAddress) + " bytes=" + bytes);
    }
}
