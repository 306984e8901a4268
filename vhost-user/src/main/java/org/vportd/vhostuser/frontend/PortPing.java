package org.vportd.vhostuser.frontend;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.vportd.posix.Epoll;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.PosixException;
import org.vportd.virtio.driver.QueueDriver;

/**
 * Sends one block at a time through a port whose peer echoes, and waits for a call until it has come back. Allocates
 * nothing. Whoever uses it must not use the port by other means.
 */
public final class PortPing implements AutoCloseable {
    private final DriverRing tx;
    private final DriverRing rx;
    private final ConsoleDriver driver;
    private final ConsolePort port;
    private final Epoll epoll = new Epoll(1);
    private final int blockBytes;
    private final long block;
    private long sent;
    private long arrivedNs;

    /**
     * Makes one at a port that is open on both sides.
     *
     * @param blockBytes at least 8, and no more than the port's buffers hold
     */
    public PortPing(ConsoleDriver driver, int port, int blockBytes) throws PosixException {
        this.driver = driver;
        this.port = driver.port(port);
        if (blockBytes < Long.BYTES || blockBytes > this.port.bufferBytes()) {
            throw new IllegalArgumentException("out of range: block=" + blockBytes);
        }
        this.tx = this.port.tx();
        this.rx = this.port.rx();
        this.blockBytes = blockBytes;
        this.block = driver.memory().allocate(blockBytes, 64);
        epoll.add(rx.callHeard(), Epoll.EPOLLIN | Epoll.EPOLLET, 0);
        tx.driver().disableCalls();
    }

    /**
     * Sends a block and waits for the same bytes.
     *
     * @return how long it took in nanoseconds
     * @throws FrontendException if they do not come in time, or others come
     */
    public long exchange(int timeoutMs) throws IOException {
        QueueDriver out = tx.driver();
        while (out.poll()) {} // the block before has been sent, or it would not have come back
        sent++;
        LittleEndian.putLong(driver.memory().hostAddress(block), sent);
        long start = System.nanoTime();
        out.addReadable(block, blockBytes, 0);
        tx.publish();
        int received = 0;
        while (received < blockBytes) {
            await(start, timeoutMs);
            arrivedNs = System.nanoTime(); // giving the buffer back is nothing that anybody waits for
            received += take(received == 0);
        }
        return arrivedNs - start;
    }

    private void await(long start, int timeoutMs) throws IOException {
        QueueDriver in = rx.driver();
        while (!in.poll()) {
            if (!in.enableCalls()
                    && epoll.await(timeoutMs) == 0
                    && System.nanoTime() - start > TimeUnit.MILLISECONDS.toNanos(timeoutMs)) {
                throw new FrontendException("echo does not come: port=" + port.id() + " block=" + sent);
            }
        }
    }

    private int take(boolean first) throws IOException {
        QueueDriver in = rx.driver();
        long address = port.rxBufferAddress((int) in.usedToken());
        int bytes = (int) in.usedBytes();
        if (first && bytes >= Long.BYTES && LittleEndian.getLong(driver.memory().hostAddress(address)) != sent) {
            throw new FrontendException("echo differs: block=" + sent);
        }
        in.addWritable(address, port.bufferBytes(), in.usedToken());
        rx.publish();
        return bytes;
    }

    @Override
    public void close() {
        epoll.close();
    }
}
