package org.vportd.virtio.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_EVENT_IDX;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_IN_ORDER;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_RING_PACKED;
import static org.vportd.virtio.VirtioFeature.mask;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.PosixException;
import org.vportd.virtio.queue.PackedLayout;

class PackedDriverTest {
    private static final int SIZE = 7;

    private DriverMemory memory;
    private QueueDriver driver;
    private long data;
    private int usedCursor = PackedLayout.FIRST_CURSOR;

    @BeforeEach
    void open() throws PosixException {
        memory = DriverMemory.open(1 << 20);
        use(0);
        data = memory.allocate(4096, 4096);
    }

    private void use(long features) {
        driver = QueueDriver.open(memory, SIZE, mask(VIRTIO_F_RING_PACKED) | features, 4);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    private long descriptor(int cursor) {
        return memory.hostAddress(driver.descriptorAddress())
                + (long) PackedLayout.offset(cursor) * PackedLayout.DESC_LENGTH;
    }

    /** What a device does, right or wrong. */
    private void deviceReturns(int id, int length, int descriptors) {
        long descriptor = descriptor(usedCursor);
        LittleEndian.putInt(descriptor + PackedLayout.DESC_LEN_OFFSET, length);
        LittleEndian.putU16(descriptor + PackedLayout.DESC_ID_OFFSET, id);
        LittleEndian.putU16(descriptor + PackedLayout.DESC_FLAGS_OFFSET, PackedLayout.usedFlags(usedCursor));
        usedCursor = PackedLayout.advance(usedCursor, descriptors, SIZE);
    }

    private boolean isAvailable(int offset) {
        int cursor = PackedLayout.FIRST_CURSOR | offset;
        return PackedLayout.isAvailable(
                LittleEndian.getU16(descriptor(cursor) + PackedLayout.DESC_FLAGS_OFFSET), cursor);
    }

    @Test
    void shouldMakeFirstDescriptorAvailableLastWhenSeveralChainsAreAdded() {
        driver.readable(data, 1).readable(data, 2).submit(1);
        driver.addReadable(data, 1, 2);
        assertFalse(isAvailable(0));
        assertTrue(isAvailable(1));
        assertTrue(isAvailable(2));
        driver.publish();
        assertTrue(isAvailable(0));
        assertFalse(isAvailable(3));
    }

    @Test
    void shouldReuseDescriptorsWhenChainsOfSeveralComeBackOutOfOrder() {
        int a = driver.readable(data, 1).readable(data, 2).writable(data, 3).submit(1);
        int b = driver.readable(data, 1).writable(data, 2).submit(2);
        int c = driver.addWritable(data, 9, 3);
        driver.publish();
        assertEquals(1, driver.free());
        deviceReturns(b, 2, 2);
        deviceReturns(c, 0, 1);
        assertEquals(2, driver.returned());
        deviceReturns(a, 3, 3);
        assertEquals(3, driver.returned());

        assertTrue(driver.poll());
        assertEquals(2, driver.usedToken());
        assertTrue(driver.poll());
        assertTrue(driver.poll());
        assertEquals(1, driver.usedToken());
        assertEquals(3, driver.usedBytes());
        assertEquals(SIZE, driver.free());
        for (int i = 0; i < SIZE; i++) {
            assertTrue(driver.addReadable(data, 1, i) >= 0);
        }
        assertEquals(QueueDriver.FULL, driver.addReadable(data, 1, 0));
    }

    @Test
    void shouldGiveBackSkippedChainsAsUsedCompletelyWhenInOrder() {
        use(mask(VIRTIO_F_IN_ORDER));
        driver.addWritable(data, 10, 1);
        driver.readable(data, 1).readable(data, 2).submit(2);
        int last = driver.addWritable(data, 20, 3);
        driver.addWritable(data, 30, 4);
        driver.publish();
        deviceReturns(last, 15, 4);
        assertEquals(3, driver.returned());
        assertTrue(driver.enableCallsAfter(3));
        assertFalse(driver.enableCallsAfter(4));
        long[] bytes = {10, 0, 15};
        for (int i = 0; i < 3; i++) {
            assertTrue(driver.poll());
            assertEquals(i + 1, driver.usedToken());
            assertEquals(bytes[i], driver.usedBytes());
            assertEquals(2 - i, driver.returned());
        }
        assertFalse(driver.poll());
        assertEquals(PackedLayout.base(PackedLayout.FIRST_CURSOR | 4), driver.baseInMemory());
    }

    @Test
    void shouldNameTheDescriptorOfTheChainWhenItAsksForACallFurtherOn() {
        use(mask(VIRTIO_F_EVENT_IDX));
        int first = driver.addReadable(data, 1, 0);
        driver.addReadable(data, 1, 1);
        driver.addReadable(data, 1, 2);
        driver.publish();
        deviceReturns(first, 0, 1);
        assertTrue(driver.enableCalls());
        assertFalse(driver.enableCallsAfter(3));
        int event = LittleEndian.getInt(memory.hostAddress(driver.availAddress()));
        assertEquals(PackedLayout.eventAt(PackedLayout.FIRST_CURSOR | 2), event);
        driver.disableCalls();
        event = LittleEndian.getInt(memory.hostAddress(driver.availAddress()));
        assertEquals(PackedLayout.event(PackedLayout.RING_EVENT_FLAGS_DISABLE), event);
    }

    @Test
    void shouldRefuseIdWhenItIsUnknown() {
        driver.addReadable(data, 1, 0);
        driver.publish();
        deviceReturns(SIZE, 0, 1);
        assertTrue(driver.enableCalls(), "there is something to look at");
        assertThrows(DeviceFaultException.class, driver::poll);
    }

    @Test
    void shouldRefuseIdWhenItIsReturnedTwice() {
        int id = driver.addReadable(data, 1, 0);
        driver.addReadable(data, 1, 1);
        driver.publish();
        deviceReturns(id, 0, 1);
        deviceReturns(id, 0, 1);
        assertTrue(driver.poll());
        assertThrows(DeviceFaultException.class, driver::poll);
    }

    @Test
    void shouldRefuseLengthWhenItIsOverCapacity() {
        int id = driver.readable(data, 100).writable(data, 10).submit(0);
        driver.publish();
        deviceReturns(id, 11, 2);
        assertThrows(DeviceFaultException.class, driver::poll);
    }

    @Test
    void shouldRefuseTableThatFollowsOtherBuffers() {
        driver.readable(data, 1).readable(data, 1);
        assertThrows(IllegalArgumentException.class, () -> driver.submit(1, data, 0));
    }

    @Test
    void shouldRefuseSizeWhenItIsOutOfRange() {
        for (int size : new int[] {0, -1, 32769}) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> QueueDriver.open(memory, size, mask(VIRTIO_F_RING_PACKED), 0));
        }
    }

    @Test
    void shouldStartAnewWhenReset() {
        int id = driver.addReadable(data, 1, 0);
        driver.publish();
        deviceReturns(id, 0, 1);
        driver.reset();
        assertEquals(SIZE, driver.free());
        assertEquals(0, driver.outstanding());
        assertFalse(driver.poll());
        assertEquals(PackedLayout.FIRST_BASE, driver.baseInMemory());
    }

    @Test
    void shouldAllocateNothingWhenRunning() {
        for (int i = 0; i < 20_000; i++) {
            cycle();
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 20_000; i++) {
            cycle();
        }
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(allocated < 20_000, "allocated=" + allocated);
    }

    private void cycle() {
        int a = driver.addReadable(data, 64, 1);
        int b = driver.readable(data, 1).writable(data, 2).submit(2);
        int c = driver.readable(data, 1).writable(data, 2).submitIndirect(3);
        driver.publish();
        deviceReturns(a, 0, 1);
        deviceReturns(b, 2, 2);
        deviceReturns(c, 1, 1);
        while (driver.poll()) {
            driver.enableCalls();
        }
    }
}
