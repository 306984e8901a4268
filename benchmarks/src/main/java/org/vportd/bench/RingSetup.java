package org.vportd.bench;

import org.vportd.posix.PosixException;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.QueueDriver;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.queue.DriverNotifier;
import org.vportd.virtio.queue.QueueConfig;
import org.vportd.virtio.queue.VirtQueue;

/** A ring without a device: both of its sides, in one thread. */
final class RingSetup implements AutoCloseable {
    /** How many chains there are to walk at once. */
    static final int CHAINS = 256;

    /** A window takes half of a ring at most. */
    private static final int QUEUE_SIZE = 2 * CHAINS;

    private static final long MEMORY_BYTES = 32L << 20;

    final DriverMemory memory;
    final QueueDriver driver;
    final VirtQueue queue;
    private final GuestMemory guest;
    private long calls;

    RingSetup(long features, int indirectEntries) throws PosixException {
        memory = DriverMemory.open(MEMORY_BYTES);
        driver = QueueDriver.open(memory, QUEUE_SIZE, features, indirectEntries);
        guest = memory.mapForDevice();
        queue = queue(driver, guest, features, () -> calls++);
    }

    static VirtQueue queue(QueueDriver driver, GuestMemory guest, long features, DriverNotifier notifier) {
        QueueConfig config = new QueueConfig(
                driver.size(),
                guest.guestRange(driver.descriptorAddress(), 1),
                guest.guestRange(driver.availAddress(), 1),
                guest.guestRange(driver.usedAddress(), 1),
                driver.firstBase(),
                VirtioFeature.rings(features));
        return VirtQueue.open(config, guest, notifier);
    }

    /** Takes back what the device has returned, and has it walk as many chains of one readable buffer, all shown at once. */
    void refill(long buffer, int bytes) {
        while (driver.poll()) {
            // the buffer is the same for all
        }
        for (int i = 0; i < CHAINS; i++) {
            driver.addReadable(buffer, bytes, 0);
        }
        driver.publish();
        queue.walkReadable();
        if (queue.windowChains() != CHAINS) {
            throw new IllegalStateException("not all chains are in the window: " + queue.windowChains());
        }
    }

    /** How often the device has called the driver. */
    long calls() {
        return calls;
    }

    @Override
    public void close() {
        queue.close();
        guest.close();
        memory.close();
    }
}
