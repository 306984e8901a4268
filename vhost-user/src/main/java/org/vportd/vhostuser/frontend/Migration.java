package org.vportd.vhostuser.frontend;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.vportd.posix.Fd;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Poll;
import org.vportd.posix.Posix;
import org.vportd.vhostuser.protocol.DeviceStateTransfer;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.LogArea;
import org.vportd.vhostuser.protocol.ProtocolFeature;
import org.vportd.virtio.driver.DriverMemory;

/**
 * How a running guest is moved to another back-end (vhost-user "Migration" and "Migrating back-end state"): the back-end
 * notes the pages it writes while the memory is copied; when the rings have stopped, the last pages and the state of the
 * device follow.
 */
public final class Migration implements AutoCloseable {
    /** Bytes of a page of the log. */
    public static final int PAGE_BYTES = 4096;

    private static final int CHUNK_BYTES = 1 << 16;

    private final ConsoleDriver driver;
    private final Fd file;
    private final MappedMemory log;
    private final long logBytes;

    /** Begins: the back-end notes what it writes, also to rings, from the return of this on. */
    public Migration(ConsoleDriver driver) throws IOException {
        this.driver = driver;
        long end = 0;
        for (DriverMemory.Region region : driver.memory().regions()) {
            end = Math.max(end, region.guestAddress() + region.sizeBytes());
        }
        long pages = (end + PAGE_BYTES - 1) / PAGE_BYTES;
        logBytes = (pages + Integer.SIZE - 1) / Integer.SIZE * Integer.BYTES;
        file = Posix.memoryFile("vportd-dirty-log", logBytes);
        try {
            Posix.sealShrink(file);
            log = MappedMemory.map(file, 0, logBytes);
        } catch (IOException e) {
            file.close();
            throw e;
        }
        try {
            begin();
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    private void begin() throws IOException {
        VhostUserFrontend frontend = driver.frontend();
        LogArea area = new LogArea(logBytes, 0);
        if (frontend.messages().query(FrontendRequest.SET_LOG_BASE, area::encode, List.of(file)) != 0) {
            throw new FrontendException("back-end refused the dirty log: bytes=" + logBytes);
        }
        frontend.setFeatures(driver.features() | ProtocolFeature.mask(ProtocolFeature.VHOST_F_LOG_ALL));
        for (DriverRing ring : driver.rings()) {
            frontend.vrings().setAddress(ring, true);
        }
        frontend.fence();
    }

    /** Has the back-end note nothing any more: the guest stays. */
    public void cancel() throws IOException {
        driver.frontend().setFeatures(driver.features());
        for (DriverRing ring : driver.rings()) {
            driver.frontend().vrings().setAddress(ring, false);
        }
        driver.frontend().fence();
    }

    /** The guest-physical pages written since the last call. */
    public BitSet takeDirtyPages() {
        BitSet pages = new BitSet();
        for (long at = 0; at < logBytes; at += Integer.BYTES) {
            int bits = NativeMemory.getInt(log.address() + at) == 0 ? 0 : NativeMemory.takeBits(log.address() + at);
            for (int left = bits; left != 0; left &= left - 1) {
                pages.set((int) (at * Byte.SIZE) + Integer.numberOfTrailingZeros(left));
            }
        }
        return pages;
    }

    /** Asks a back-end whose rings have been stopped for the state of its device. */
    public static byte[] saveState(VhostUserFrontend frontend) throws IOException {
        Fd[] pipe = Posix.pipe();
        long chunk = NativeMemory.allocate(CHUNK_BYTES);
        try (Fd from = pipe[0]) {
            begin(frontend, DeviceStateTransfer.SAVE, pipe[1]);
            ByteArrayOutputStream state = new ByteArrayOutputStream();
            long end = deadline(frontend);
            while (true) {
                long n = Posix.read(from, chunk, CHUNK_BYTES);
                if (n == 0) {
                    check(frontend);
                    return state.toByteArray();
                }
                if (n == Posix.WOULD_BLOCK) {
                    await(from, Poll.POLLIN, end);
                    continue;
                }
                byte[] bytes = new byte[(int) n];
                NativeMemory.get(chunk, bytes, 0, bytes.length);
                state.write(bytes, 0, bytes.length);
            }
        } finally {
            NativeMemory.free(chunk);
        }
    }

    /**
     * Gives a back-end the state of a device before its rings start.
     *
     * @throws FrontendException if it cannot go on with it
     */
    public static void loadState(VhostUserFrontend frontend, byte[] state) throws IOException {
        Fd[] pipe = Posix.pipe();
        long chunk = NativeMemory.allocate(Math.max(1, state.length));
        try (Fd to = pipe[1]) {
            begin(frontend, DeviceStateTransfer.LOAD, pipe[0]);
            NativeMemory.put(state, 0, chunk, state.length);
            long end = deadline(frontend);
            int sent = 0;
            while (sent < state.length) {
                long n = Posix.write(to, chunk + sent, state.length - sent);
                if (n == Posix.WOULD_BLOCK) {
                    await(to, Poll.POLLOUT, end);
                } else {
                    sent += (int) n;
                }
            }
        } finally {
            NativeMemory.free(chunk);
        }
        check(frontend);
    }

    private static void begin(VhostUserFrontend frontend, int direction, Fd given) throws IOException {
        try (given) {
            DeviceStateTransfer transfer = new DeviceStateTransfer(direction);
            long reply =
                    frontend.messages().query(FrontendRequest.SET_DEVICE_STATE_FD, transfer::encode, List.of(given));
            if (reply != DeviceStateTransfer.REPLY_NO_FD) {
                throw new FrontendException("back-end refused to move its state: direction=" + direction + " reply=0x"
                        + Long.toHexString(reply));
            }
        }
    }

    private static void check(VhostUserFrontend frontend) throws IOException {
        long result = frontend.messages().query(FrontendRequest.CHECK_DEVICE_STATE);
        if (result != 0) {
            throw new FrontendException("back-end could not save or load its state: result=" + result);
        }
    }

    private static long deadline(VhostUserFrontend frontend) {
        Duration timeout = frontend.options().timeout();
        return System.nanoTime() + timeout.toNanos();
    }

    private static void await(Fd fd, int event, long end) throws IOException {
        long leftMs = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (leftMs <= 0) {
            throw new FrontendException("device state does not pass in time");
        }
        Poll.await(fd, event, (int) Math.min(leftMs, Integer.MAX_VALUE));
    }

    @Override
    public void close() {
        log.close();
        file.close();
    }
}
