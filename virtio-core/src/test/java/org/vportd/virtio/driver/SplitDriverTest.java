package org.vportd.virtio.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.PosixException;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.queue.SplitLayout;

class SplitDriverTest {
    private static final int SIZE = 8;

    private DriverMemory memory;
    private SplitDriver driver;
    private long data;
    private int usedIdx;

    @BeforeEach
    void open() throws PosixException {
        memory = DriverMemory.open(1 << 20);
        driver = new SplitDriver(memory, SIZE, 0, 4);
        data = memory.allocate(4096, 4096);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    /** What a device does, right or wrong. */
    private void deviceReturns(int id, int length) {
        long used = memory.hostAddress(driver.usedAddress());
        long element = used + SplitLayout.RING_OFFSET + (long) (usedIdx % SIZE) * SplitLayout.USED_ELEM_LENGTH;
        LittleEndian.putInt(element, id);
        LittleEndian.putInt(element + SplitLayout.USED_ELEM_LEN_OFFSET, length);
        LittleEndian.putU16(used + SplitLayout.IDX_OFFSET, ++usedIdx);
    }

    @Test
    void shouldReuseDescriptorsWhenChainsOfSeveralComeBackOutOfOrder() {
        int a = driver.readable(data, 1).readable(data, 2).writable(data, 3).submit(1);
        int b = driver.readable(data, 1).writable(data, 2).submit(2);
        int c = driver.addWritable(data, 9, 3);
        driver.publish();
        assertEquals(2, driver.free());

        deviceReturns(b, 2);
        deviceReturns(c, 0);
        deviceReturns(a, 3);

        assertTrue(driver.poll());
        assertEquals(2, driver.usedToken());
        assertTrue(driver.poll());
        assertTrue(driver.poll());
        assertEquals(3, driver.usedBytes());
        assertEquals(SIZE, driver.free());
        assertEquals(0, driver.outstanding());
        for (int i = 0; i < SIZE; i++) {
            assertTrue(driver.addReadable(data, 1, i) >= 0);
        }
        assertEquals(SplitDriver.FULL, driver.addReadable(data, 1, 0));
    }

    @Test
    void shouldForgetChainWhenThereIsNoRoom() {
        for (int i = 0; i < SIZE - 1; i++) {
            driver.addReadable(data, 1, i);
        }
        assertEquals(
                SplitDriver.FULL, driver.readable(data, 1).writable(data, 1).submit(0));
        assertTrue(driver.writable(data, 5).submit(9) >= 0);
    }

    @Test
    void shouldRefuseIdWhenItIsUnknown() {
        driver.addReadable(data, 1, 0);
        driver.publish();
        deviceReturns(SIZE, 0);
        assertThrows(DeviceFaultException.class, driver::poll);
    }

    @Test
    void shouldRefuseIdWhenItIsNegative() {
        driver.addReadable(data, 1, 0);
        driver.publish();
        deviceReturns(-1, 0);
        assertThrows(DeviceFaultException.class, driver::poll);
    }

    @Test
    void shouldRefuseIdWhenItIsReturnedTwice() {
        int id = driver.addReadable(data, 1, 0);
        driver.addReadable(data, 1, 1);
        driver.publish();
        deviceReturns(id, 0);
        deviceReturns(id, 0);
        assertTrue(driver.poll());
        assertThrows(DeviceFaultException.class, driver::poll);
    }

    @Test
    void shouldRefuseIdWhenItIsNotAHead() {
        int head = driver.readable(data, 1).readable(data, 1).submit(0);
        driver.publish();
        deviceReturns(head + 1, 0);
        assertThrows(DeviceFaultException.class, driver::poll);
    }

    @Test
    void shouldRefuseLengthWhenItIsOverCapacity() {
        int id = driver.readable(data, 100).writable(data, 10).submit(0);
        driver.publish();
        deviceReturns(id, 11);
        assertThrows(DeviceFaultException.class, driver::poll);
    }

    @Test
    void shouldRefuseLengthWhenItIsHuge() {
        int id = driver.addWritable(data, 10, 0);
        driver.publish();
        deviceReturns(id, -1);
        assertThrows(DeviceFaultException.class, driver::poll);
    }

    @Test
    void shouldRefuseUsedIndexWhenItIsAheadOfAvailable() {
        int id = driver.addWritable(data, 10, 0); // not published
        deviceReturns(id, 1);
        assertThrows(DeviceFaultException.class, driver::poll);
    }

    private int addThreeInOrder() {
        driver = new SplitDriver(memory, SIZE, VirtioFeature.mask(VirtioFeature.VIRTIO_F_IN_ORDER), 4);
        driver.addWritable(data, 10, 1);
        driver.addReadable(data, 5, 2);
        int last = driver.addWritable(data, 20, 3);
        driver.publish();
        return last;
    }

    @Test
    void shouldGiveBackSkippedChainsAsUsedCompletelyWhenInOrder() {
        int last = addThreeInOrder();
        usedIdx = 0;
        deviceReturns(last, 15);
        LittleEndian.putU16(memory.hostAddress(driver.usedAddress()) + SplitLayout.IDX_OFFSET, 3);
        long[] bytes = {10, 0, 15};
        for (int i = 0; i < 3; i++) {
            assertTrue(driver.poll());
            assertEquals(i + 1, driver.usedToken());
            assertEquals(bytes[i], driver.usedBytes());
        }
        assertFalse(driver.poll());
    }

    @Test
    void shouldRefuseChainWhenItIsReturnedOutOfOrder() {
        deviceReturns(addThreeInOrder(), 0); // though used.idx tells of one only
        assertThrows(DeviceFaultException.class, driver::poll);
    }

    @Test
    void shouldStartAnewWhenReset() {
        driver.addReadable(data, 1, 0);
        driver.publish();
        driver.reset();
        assertEquals(SIZE, driver.free());
        assertEquals(0, driver.availIndex());
        assertFalse(driver.poll());
    }

    @Test
    void shouldRefuseReadableBufferWhenItComesAfterAWritableOne() {
        driver.writable(data, 1);
        assertThrows(IllegalArgumentException.class, () -> driver.readable(data, 1));
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
        deviceReturns(a, 0);
        deviceReturns(b, 2);
        deviceReturns(c, 1);
        while (driver.poll()) {
            driver.enableCalls();
        }
    }
}
