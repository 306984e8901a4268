package org.vportd.vhostuser.backend;

import java.io.ByteArrayOutputStream;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;
import org.vportd.loop.Watch;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.FileStatus;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.DeviceStateTransfer;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.virtio.DeviceStateException;
import org.vportd.virtio.LimitedLog;
import org.vportd.virtio.VirtioDevice;

/**
 * The state of the device on its way through a pipe or socket of the front-end (vhost-user "Migrating back-end state"): as
 * much as passes at once, in between others have their turns. What is loaded is bounded by what the device can have, and
 * either way is bounded in time.
 */
final class StateTransfer implements AutoCloseable {
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(30);
    private static final int CHUNK_BYTES = 1 << 16;
    private static final int CHUNKS_PER_TURN = 16;

    private final EventLoop loop;
    private final VirtioDevice device;
    private final BooleanSupplier ringsRun;
    private final LimitedLog log;
    private final Runnable onDone;
    private final LoopTimer patience;
    private @Nullable Fd fd;
    private @Nullable Watch watch;
    private boolean socket;
    private boolean loading;
    private long chunk;
    private byte[] saved = {};
    private int savedSent;
    private final ByteArrayOutputStream loaded = new ByteArrayOutputStream();
    private boolean succeeded;

    /**
     * Makes a way for one transfer after the other.
     *
     * @param ringsRun whether the device is at work; no state can be had then
     * @param onDone told when a transfer has ended, well or not
     */
    StateTransfer(EventLoop loop, VirtioDevice device, BooleanSupplier ringsRun, LimitedLog log, Runnable onDone) {
        this.loop = loop;
        this.device = device;
        this.ringsRun = ringsRun;
        this.log = log;
        this.onDone = onDone;
        this.patience = loop.timer(() -> fail("it takes too long"));
    }

    boolean isRunning() {
        return fd != null;
    }

    /** Whether the last transfer ended well; false if there was none. */
    boolean succeeded() {
        return succeeded;
    }

    /** Begins; takes ownership of the descriptor also if it refuses. */
    void begin(DeviceStateTransfer transfer, Fd given) throws VhostUserRequestException {
        try {
            if (isRunning()) {
                throw new VhostUserRequestException("a device state is on its way already");
            }
            if (ringsRun.getAsBoolean()) {
                throw new VhostUserRequestException("device state cannot move while rings run");
            }
            succeeded = false;
            loading = transfer.direction() == DeviceStateTransfer.LOAD;
            Fd ours = open(given, loading);
            fd = ours;
            saved = loading ? new byte[0] : device.saveState();
            savedSent = 0;
            loaded.reset();
            chunk = NativeMemory.allocate(CHUNK_BYTES);
            patience.start(PATIENCE_NS);
            watch = loop.watch(ours, loading ? Epoll.EPOLLIN | Epoll.EPOLLRDHUP : Epoll.EPOLLOUT, events -> move());
        } catch (PosixException e) {
            release();
            throw new VhostUserRequestException("device state descriptor is unusable: error=" + e.getMessage());
        } finally {
            if (given.isOpen() && given != fd) {
                given.close();
            }
        }
    }

    /** A descriptor that never waits. A pipe is opened anew: the mode of the given one belongs to the front-end too. */
    private Fd open(Fd given, boolean reading) throws PosixException, VhostUserRequestException {
        FileStatus status = FileStatus.of(given);
        socket = status.isSocket() && Sockets.isStream(given);
        if (socket) {
            return given;
        }
        if (!status.isPipe()) {
            throw new VhostUserRequestException("device state descriptor is no pipe or stream socket");
        }
        int mode = reading ? Posix.O_RDONLY : Posix.O_WRONLY;
        try {
            return Posix.open("/proc/self/fd/" + given.value(), mode | Posix.O_NONBLOCK, 0);
        } catch (PosixException e) { // the pipe of another user
            Posix.setNonBlocking(given, true);
            return given;
        }
    }

    private void move() {
        try {
            for (int i = 0; i < CHUNKS_PER_TURN && isRunning(); i++) {
                boolean moved = loading ? receive() : send();
                if (!moved) {
                    return;
                }
            }
        } catch (PosixException e) {
            fail("its descriptor fails: error=" + e.getMessage());
        }
    }

    private boolean send() throws PosixException {
        Fd to = current();
        int n = Math.min(CHUNK_BYTES, saved.length - savedSent);
        if (n == 0) {
            done(true);
            return false;
        }
        NativeMemory.put(saved, savedSent, chunk, n);
        long sent = socket ? Sockets.send(to, chunk, n) : Posix.write(to, chunk, n);
        savedSent += (int) Math.max(0, sent);
        return sent > 0;
    }

    private boolean receive() throws PosixException {
        Fd from = current();
        long n = socket ? Sockets.receive(from, chunk, CHUNK_BYTES) : Posix.read(from, chunk, CHUNK_BYTES);
        if (n == 0) {
            restore();
            return false;
        }
        if (n > 0) {
            if (loaded.size() + n > device.maxStateBytes()) {
                fail("it is too long: max=" + device.maxStateBytes());
                return false;
            }
            byte[] bytes = new byte[(int) n];
            NativeMemory.get(chunk, bytes, 0, bytes.length);
            loaded.write(bytes, 0, bytes.length);
        }
        return n > 0;
    }

    private Fd current() {
        Fd open = fd;
        if (open == null) {
            throw new IllegalStateException("no transfer");
        }
        return open;
    }

    private void restore() {
        if (ringsRun.getAsBoolean()) {
            fail("rings run again");
            return;
        }
        try {
            device.restoreState(loaded.toByteArray());
            done(true);
        } catch (DeviceStateException e) {
            fail(String.valueOf(e.getMessage()));
        }
    }

    private void fail(String reason) {
        log.warn("device state is not " + (loading ? "loaded: " : "saved: ") + reason);
        done(false);
    }

    private void done(boolean well) {
        succeeded = well;
        release();
        onDone.run();
    }

    private void release() {
        patience.cancel();
        if (watch != null) {
            watch.close();
            watch = null;
        }
        if (fd != null) {
            fd.close();
            fd = null;
        }
        NativeMemory.free(chunk);
        chunk = 0;
        saved = new byte[0];
        loaded.reset();
    }

    /** Gives up what is on its way. */
    @Override
    public void close() {
        release();
    }
}
