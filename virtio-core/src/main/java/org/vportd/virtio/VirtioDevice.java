package org.vportd.virtio;

import org.vportd.virtio.queue.VirtQueue;

/**
 * A device as its transport sees it. The transport calls on the loop thread; the device keeps its state over any number of
 * transports, one after the other.
 */
public interface VirtioDevice {
    /** The number of virtqueues there can be, control queues included (Virtio 1.3 §5.3.2). */
    int queueCount();

    /** The feature bits the device offers, those of the rings included. */
    long features();

    /** Bytes of configuration space; all of them can be read. */
    int configBytes();

    /**
     * Copies the whole configuration space, little-endian (Virtio 1.3 §2.5).
     *
     * @param to at least {@link #configBytes()} long
     */
    void readConfig(byte[] to);

    /**
     * Takes a write of the driver to configuration space. Fields that are read-only stay as they are.
     *
     * @param offset where the bytes go; offset and length lie within {@link #configBytes()}
     */
    void writeConfig(int offset, byte[] bytes);

    /** A transport has come; it is the one to notify from here on. */
    void attach(VirtioTransport transport);

    /** The transport has gone: every queue has been stopped before. The driver may come back with another one. */
    void detach();

    /** The driver has chosen a subset of {@link #features()}. */
    void driverFeatures(long features);

    /** A queue may be used from here on. Chains in it may be available already. */
    void startQueue(int index, VirtQueue queue);

    /**
     * A queue may not be touched any more once this returns. Chains taken and not returned go back to the queue with {@link
     * VirtQueue#rewind}.
     */
    void stopQueue(int index);

    /** The driver has notified a queue that is started. */
    void queueNotified(int index);

    /** The driver starts anew (Virtio 1.3 §2.4): all that it has told the device is forgotten. Queues are stopped. */
    void reset();

    // --- moving to another device

    /** The most bytes that the state of the device can have. */
    int maxStateBytes();

    /**
     * What another device has to know to go on with the driver; what lies in its memory is not part of it. Queues are
     * stopped. What was handed over is not done here any more, unless queues start again.
     */
    byte[] saveState();

    /**
     * Takes over a driver from another device, as soon as queues start. Queues are stopped.
     *
     * @throws DeviceStateException if this is no state of such a device; nothing has changed then
     */
    void restoreState(byte[] state) throws DeviceStateException;
}
