package org.vportd.vhostuser.backend;

import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.posix.Doorbell;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.LogArea;
import org.vportd.vhostuser.protocol.VhostUserProtocolException;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.vhostuser.protocol.VringAddress;
import org.vportd.virtio.memory.DirtyLog;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.queue.RingLog;

/** The dirty log of a session (vhost-user "Migration"): the front-end's bitmap, whether it is in use, and who is told of it. */
final class SessionLog implements AutoCloseable {
    private final LoopTask signalTask;
    private @Nullable DirtyLog log;
    private @Nullable Doorbell signal;
    private boolean on;

    SessionLog(EventLoop loop) {
        this.signalTask = loop.task(this::signal);
    }

    /** Whether writes are to be noted, as VHOST_F_LOG_ALL has it. */
    void setOn(boolean logAll) {
        on = logAll;
    }

    /**
     * Takes another log in the place of the one there is, which is closed by the caller when nobody uses it any more.
     *
     * @return the one there was
     * @throws VhostUserProtocolException if the log cannot be had although writes are to be noted: memory that is copied
     *     without them is corrupt, and that must not go unnoticed
     */
    @Nullable
    DirtyLog replace(LogArea area, Fd fd) throws VhostUserRequestException, VhostUserProtocolException {
        try {
            DirtyLog mapped = DirtyLog.map(fd, area.mmapOffset(), area.sizeBytes(), this::marked);
            DirtyLog old = log;
            log = mapped;
            return old;
        } catch (PosixException e) {
            String reason = e.errno() == Errno.EPERM
                    ? "dirty log is refused: its file is not sealed against shrinking (F_SEAL_SHRINK)"
                    : "dirty log cannot be mapped, or its file is too short: size=0x"
                            + Long.toHexString(area.sizeBytes()) + " mmap_offset=0x"
                            + Long.toHexString(area.mmapOffset()) + " error=" + e.errorText();
            if (on) {
                throw new VhostUserProtocolException(reason);
            }
            throw new VhostUserRequestException(reason);
        }
    }

    /** Takes the descriptor through which the front-end hears that there are marks; it is closed if it is refused. */
    void setSignal(Fd fd) throws VhostUserRequestException {
        Doorbell bell = null;
        try {
            bell = Doorbell.of(fd);
        } catch (PosixException e) {
            fd.close();
            throw new VhostUserRequestException("log descriptor is unusable: error=" + e.getMessage());
        }
        if (bell == null) {
            fd.close();
            throw new VhostUserRequestException("log descriptor is no eventfd, pipe or stream socket");
        }
        closeSignal();
        signal = bell;
    }

    /** What the queue of a ring notes; null if nothing. */
    @Nullable
    RingLog of(Vring ring, GuestMemory memory) {
        DirtyLog current = log;
        if (!on || current == null) {
            return null;
        }
        VringAddress address = ring.address();
        return address != null && address.isLogged()
                ? new RingLog(current, memory, address.logAddress())
                : new RingLog(current, memory);
    }

    private void marked() {
        signalTask.schedule(); // once for all that this turn marks
    }

    private void signal() {
        if (log != null) {
            log.rearm();
        }
        if (signal != null) {
            signal.ring();
        }
    }

    private void closeSignal() {
        if (signal != null) {
            signal.close();
            signal = null;
        }
    }

    /** Rings have been stopped before. */
    @Override
    public void close() {
        signalTask.cancel();
        closeSignal();
        if (log != null) {
            log.close();
            log = null;
        }
    }
}
