package org.vportd.vhostuser.backend;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.InflightArea;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.virtio.LimitedLog;
import org.vportd.virtio.queue.InflightRegion;
import org.vportd.virtio.queue.QueueConfig;

/**
 * The memory in which a session's queues note the chains they have taken (vhost-user "Inflight I/O tracking"). The front-end
 * keeps it while there is no back-end, and hands it to the next one.
 */
final class SessionInflight implements AutoCloseable {
    private static final String FILE_NAME = "vportd-inflight";

    private final LimitedLog log;
    private final int queues;
    private @Nullable InflightArea area;
    private @Nullable MappedMemory mapping;
    private boolean packed;

    /**
     * Begins without an area.
     *
     * @param queues the number of queues of the device
     */
    SessionInflight(LimitedLog log, int queues) {
        this.log = log;
        this.queues = queues;
    }

    /** Takes the format of the rings; that of an area follows from it. */
    void setPacked(boolean value) {
        packed = value;
    }

    /** An area as it was made, and its file. */
    record Made(InflightArea area, Fd file) {}

    /**
     * GET_INFLIGHT_FD: makes an area in which nothing is noted, or none if it cannot be had.
     *
     * @param asked the number of queues, and their size
     * @param mayBePacked whether the format of the rings is not known yet, and can be either
     */
    @Nullable
    Made make(InflightArea asked, boolean mayBePacked) {
        if (asked.queues() < 1
                || asked.queues() > queues
                || asked.queueSize() < 1
                || asked.queueSize() > QueueConfig.MAX_SIZE) {
            log.warn("no in-flight area for these queues: queues=" + asked.queues() + " of " + queues + " num="
                    + asked.queueSize());
            return null;
        }
        long bytes = asked.queues() * InflightRegion.bytes(packed || mayBePacked, asked.queueSize());
        try {
            Fd file = Posix.memoryFile(FILE_NAME, bytes);
            try {
                Posix.sealSize(file);
            } catch (PosixException e) {
                file.close();
                throw e;
            }
            return new Made(new InflightArea(bytes, 0, asked.queues(), asked.queueSize()), file);
        } catch (PosixException e) {
            log.warn("no in-flight area: " + e.getMessage());
            return null;
        }
    }

    /** SET_INFLIGHT_FD: takes an area in place of the one before. No ring runs. */
    void set(InflightArea given, List<Fd> fds) throws VhostUserRequestException {
        boolean inRange = given.queues() >= 1
                && given.queues() <= queues
                && given.queueSize() >= 1
                && given.queueSize() <= QueueConfig.MAX_SIZE;
        if (!inRange || given.sizeBytes() < given.queues() * InflightRegion.bytes(packed, given.queueSize())) {
            throw new VhostUserRequestException("in-flight area does not fit the device: queues=" + given.queues()
                    + " of " + queues + " num=" + given.queueSize() + " size=" + given.sizeBytes());
        }
        MappedMemory mapped;
        try {
            mapped = MappedMemory.map(fds.get(0), given.mmapOffset(), given.sizeBytes());
        } catch (PosixException e) {
            throw new VhostUserRequestException(
                    "in-flight area cannot be mapped, or its file is too short: " + given + " error=" + e.errorText());
        }
        close();
        area = given;
        mapping = mapped;
    }

    private @Nullable InflightRegion region(int queue) {
        InflightArea current = area;
        MappedMemory mapped = mapping;
        if (current == null || mapped == null || queue >= current.queues()) {
            return null;
        }
        long stride = InflightRegion.bytes(packed, current.queueSize());
        return (queue + 1) * stride > current.sizeBytes()
                ? null
                : new InflightRegion(mapped.address() + queue * stride, current.queueSize());
    }

    /** Where a queue that is about to run notes its chains, or null if it does not. */
    @Nullable
    InflightRegion regionFor(int queue, int size) {
        InflightRegion region = region(queue);
        String fault = region == null ? null : region.fault(size);
        if (fault != null) {
            log.warn("chains in flight are not noted: queue=" + queue + " " + fault);
            return null;
        }
        return region;
    }

    /** The front-end has been told where a queue goes on: that counts, and not what was noted. */
    void stopped(int queue) {
        InflightRegion region = region(queue);
        if (region != null && !region.isTaken(packed)) {
            region.forget();
        }
    }

    /** The driver starts anew. */
    void reset() {
        for (int i = 0; i < queues; i++) {
            InflightRegion region = region(i);
            if (region != null) {
                region.forget();
            }
        }
    }

    /** Whether the area is still there, as far as there is one. */
    boolean isIntact() {
        return mapping == null || mapping.isIntact();
    }

    @Override
    public void close() {
        if (mapping != null) {
            mapping.close();
            mapping = null;
        }
        area = null;
    }
}
