package org.vportd.virtio.queue;

import org.vportd.posix.NativeMemory;

/**
 * The stores of an in-flight region, and of ring fields whose order matters beside them. Plain ones, in the machine's order;
 * a test can stop at each of them, as a crash would.
 */
final class InflightStore {
    private final long address;
    private final Runnable beforeStore;

    InflightStore(InflightRegion region) {
        this(region, InflightStore::goOn);
    }

    /**
     * One that can be stopped.
     *
     * @param beforeStore run before each store
     */
    InflightStore(InflightRegion region, Runnable beforeStore) {
        this.address = region.address();
        this.beforeStore = beforeStore;
    }

    private static void goOn() {}

    int getByte(long offset) {
        return NativeMemory.getByte(address + offset) & 0xff;
    }

    int getU16(long offset) {
        return NativeMemory.getShort(address + offset) & 0xffff;
    }

    int getInt(long offset) {
        return NativeMemory.getInt(address + offset);
    }

    long getLong(long offset) {
        return NativeMemory.getLong(address + offset);
    }

    void putByte(long offset, int value) {
        beforeStore.run();
        NativeMemory.putByte(address + offset, (byte) value);
    }

    void putU16(long offset, int value) {
        beforeStore.run();
        NativeMemory.putShort(address + offset, (short) value);
    }

    void putInt(long offset, int value) {
        beforeStore.run();
        NativeMemory.putInt(address + offset, value);
    }

    void putLong(long offset, long value) {
        beforeStore.run();
        NativeMemory.putLong(address + offset, value);
    }

    /** A store elsewhere is next. */
    void beforeOther() {
        beforeStore.run();
    }
}
