package org.vportd.vhostuser.frontend;

import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.virtio.driver.QueueDriver;

/** Drives one port of a console as hard as it goes, and checks every byte if a peer is given. */
public final class ConsoleLoad implements AutoCloseable {
    private static final int SPINS = 500;
    private static final int WAIT_MS = 100;
    private static final int MAX_SAMPLES = 1 << 20;

    private final LoadOptions options;
    private final ConsoleDriver driver;
    private final @Nullable LoadPeer peer;
    private final ConsolePort port;
    private final long timeoutNs;

    private ConsoleLoad(LoadOptions options, LoadPeer.Role role) throws IOException {
        this.options = options;
        this.driver = ConsoleDriver.start(options.socketPath(), options.frontend(), options.console());
        this.timeoutNs = options.frontend().timeout().toNanos();
        LoadPeer connected = null;
        try {
            if (options.port() >= driver.maxPorts()) {
                throw new FrontendException("no such port: port=" + options.port() + " ports=" + driver.maxPorts());
            }
            driver.awaitPort(options.port());
            String where = options.peer();
            connected = where == null ? null : LoadPeer.connect(where, role);
            this.port = driver.awaitHostOpen(options.port());
            driver.open(options.port());
        } catch (IOException | RuntimeException e) {
            if (connected != null) {
                connected.close();
            }
            driver.close();
            throw e;
        }
        this.peer = connected;
    }

    /** Sends as many buffers as it can; a peer checks that they arrive complete and in order. */
    public static LoadResult tx(LoadOptions options) throws IOException {
        try (ConsoleLoad load = new ConsoleLoad(options, LoadPeer.Role.CHECK)) {
            return load.transmit();
        }
    }

    /** Receives as many buffers as come; a peer feeds them, and they are checked in the guest's memory. */
    public static LoadResult rx(LoadOptions options) throws IOException {
        try (ConsoleLoad load = new ConsoleLoad(options, LoadPeer.Role.FEED)) {
            return load.receive();
        }
    }

    /** Sends one block at a time and waits until it has come back; a peer echoes it. */
    public static LoadResult ping(LoadOptions options) throws IOException {
        try (ConsoleLoad load = new ConsoleLoad(options, LoadPeer.Role.ECHO)) {
            return load.echo();
        }
    }

    private LoadResult transmit() throws IOException {
        DriverRing ring = port.tx();
        QueueDriver queue = ring.driver();
        int block = options.blockBytes();
        long blocks = driver.memory().allocate((long) options.depth() * block, 64);
        long host = driver.memory().hostAddress(blocks);
        boolean checked = peer != null;
        int[] free = new int[options.depth()];
        int freeCount = options.depth();
        for (int i = 0; i < freeCount; i++) {
            free[i] = i;
        }
        long position = 0;
        long done = 0;
        long start = System.nanoTime();
        long end = start + options.duration().toNanos();
        long lastProgress = start;
        boolean sending = true;
        queue.disableCalls();
        while (sending || queue.outstanding() > 0) {
            long now = System.nanoTime();
            sending = now - end < 0;
            while (sending && freeCount > 0) {
                int slot = free[--freeCount];
                if (checked) {
                    StreamPattern.fill(host + (long) slot * block, position, block);
                }
                queue.addReadable(blocks + (long) slot * block, block, slot);
                position += block;
            }
            ring.publish();
            int polled = freeCount;
            while (queue.poll()) {
                free[freeCount++] = (int) queue.usedToken();
            }
            if (freeCount > polled) {
                done += freeCount - polled;
                lastProgress = now;
            } else if (queue.outstanding() > 0) {
                awaitUsed(ring, Math.max(1, queue.outstanding() * 3 / 4));
                throwIfStuck(lastProgress);
            }
        }
        LoadPeer receiver = peer;
        long sent = position;
        if (receiver != null) {
            driver.await("peer has received " + sent + " bytes", () -> {
                receiver.throwFailure();
                return receiver.position() >= sent;
            });
        }
        return result("tx", done, done * block, System.nanoTime() - start, ring, checked);
    }

    /** Spins a little, then waits until the device has returned a number of buffers, but not for long. */
    private void awaitUsed(DriverRing ring, int buffers) throws IOException {
        QueueDriver queue = ring.driver();
        for (int i = 0; i < SPINS; i++) {
            if (queue.hasUsed()) {
                return;
            }
            Thread.onSpinWait();
        }
        if (!queue.enableCallsAfter(buffers)) {
            ring.awaitCall(WAIT_MS);
            ring.takeCalls();
        }
        queue.disableCalls();
    }

    private void throwIfStuck(long lastProgress) throws IOException {
        LoadPeer other = peer;
        if (other != null) {
            other.throwFailure();
        }
        if (System.nanoTime() - lastProgress > timeoutNs) {
            driver.turn(0); // tells of a back-end that has left
            throw new FrontendException("device makes no progress: port=" + port.id() + " outstanding="
                    + port.tx().driver().outstanding());
        }
    }

    private LoadResult receive() throws IOException {
        DriverRing ring = port.rx();
        QueueDriver queue = ring.driver();
        boolean checked = peer != null;
        long position = 0;
        long done = 0;
        long start = System.nanoTime();
        long end = start + options.duration().toNanos();
        long lastProgress = start;
        queue.disableCalls();
        while (System.nanoTime() - end < 0) {
            long before = done;
            while (queue.poll()) {
                long address = port.rxBufferAddress((int) queue.usedToken());
                int length = (int) queue.usedBytes();
                if (checked) {
                    int bad = StreamPattern.firstMismatch(driver.memory().hostAddress(address), position, length);
                    if (bad != StreamPattern.NONE) {
                        throw new FrontendException("data differs: position=" + (position + bad));
                    }
                }
                position += length;
                done++;
                queue.addWritable(address, options.blockBytes(), queue.usedToken());
            }
            ring.publish();
            if (done == before) {
                awaitUsed(ring, 1);
                if (checked) {
                    throwIfStuck(lastProgress);
                }
            } else {
                lastProgress = System.nanoTime();
            }
        }
        return result("rx", done, position, System.nanoTime() - start, ring, checked);
    }

    private LoadResult echo() throws IOException {
        int block = options.blockBytes();
        byte[] out = new byte[block];
        byte[] in = new byte[block];
        long[] samples = new long[1024];
        long done = 0;
        long start = System.nanoTime();
        long end = start + options.duration().toNanos();
        long now = start;
        while (now - end < 0) {
            Arrays.fill(out, (byte) done);
            long sent = now;
            exchange(out, in);
            now = System.nanoTime();
            if (!Arrays.equals(out, in)) {
                throw new FrontendException("echo differs: block=" + done);
            }
            if (done == samples.length && samples.length < MAX_SAMPLES) {
                samples = Arrays.copyOf(samples, samples.length * 2);
            }
            samples[(int) (done % samples.length)] = now - sent; // the newest ones, if there are too many
            done++;
        }
        int count = (int) Math.min(done, samples.length);
        Arrays.sort(samples, 0, count);
        LoadResult.Latency latency = LoadResult.Latency.of(samples, count);
        long kicks = port.tx().kicks();
        return new LoadResult(
                "ping", done, done * block, now - start, kicks, port.rx().calls(), true, latency);
    }

    private void exchange(byte[] out, byte[] in) throws IOException {
        int written = 0;
        int read = 0;
        long end = System.nanoTime() + timeoutNs;
        while (read < in.length) {
            int before = written + read;
            if (written < out.length) {
                written += port.write(out, written, out.length - written);
            }
            read += port.read(in, read, in.length - read);
            if (written + read == before) {
                if (System.nanoTime() - end >= 0) {
                    throw new FrontendException("echo does not come: timeout="
                            + TimeUnit.NANOSECONDS.toMillis(timeoutNs) + "ms read=" + read + " of=" + in.length);
                }
                driver.turn(WAIT_MS);
            }
        }
    }

    private static LoadResult result(
            String kind, long blocks, long bytes, long elapsedNs, DriverRing ring, boolean verified) {
        return new LoadResult(kind, blocks, bytes, elapsedNs, ring.kicks(), ring.calls(), verified, null);
    }

    @Override
    public void close() throws IOException {
        try {
            driver.stop();
        } finally {
            driver.close();
            LoadPeer other = peer;
            if (other != null) {
                other.close();
            }
        }
    }
}
