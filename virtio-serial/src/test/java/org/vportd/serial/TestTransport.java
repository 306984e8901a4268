package org.vportd.serial;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.vportd.virtio.VirtioTransport;
import org.vportd.virtio.queue.DriverFaultException;

/** A transport that stops a queue at a fault, as it has to, and remembers what it was told. */
final class TestTransport implements VirtioTransport {
    private final IntConsumer stopQueue;
    private final List<Integer> faultyQueues = new ArrayList<>();
    private final List<Throwable> memoryFaults = new ArrayList<>();
    private int configChanges;

    TestTransport(IntConsumer stopQueue) {
        this.stopQueue = stopQueue;
    }

    List<Integer> faultyQueues() {
        return faultyQueues;
    }

    List<Throwable> memoryFaults() {
        return memoryFaults;
    }

    int configChanges() {
        return configChanges;
    }

    @Override
    public void configChanged() {
        configChanges++;
    }

    @Override
    public void driverFault(int queue, DriverFaultException fault) {
        stopQueue.accept(queue);
        faultyQueues.add(queue);
    }

    @Override
    public void memoryFault(Throwable cause) {
        memoryFaults.add(cause);
    }
}
