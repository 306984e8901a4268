package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.virtio.queue.QueueFixture.pattern;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.vportd.posix.Fd;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.memory.DirtyLog;

/** What a queue writes is in the log: every page that differs afterwards is marked. */
@ParameterizedClass
@EnumSource
class RingLogTest {
    private static final int MEMORY_BYTES = 1 << 20;
    private static final int LOG_BYTES = (MEMORY_BYTES + 0x10_0000) / 4096 / 8;

    private final RingFormat format;
    private QueueFixture fixture;
    private Fd file;
    private DirtyLog log;
    private MappedMemory bits;

    RingLogTest(RingFormat format) {
        this.format = format;
    }

    @BeforeEach
    void open() throws Exception {
        open(true);
    }

    private void open(boolean eventIdx) throws Exception {
        fixture = new QueueFixture(
                format,
                format.sizeNear(16),
                eventIdx,
                List.of(new DriverMemory.Range(DriverMemory.DEFAULT_GUEST_ADDRESS, MEMORY_BYTES)),
                0);
        file = Posix.memoryFile("log", LOG_BYTES);
        Posix.sealShrink(file);
        bits = MappedMemory.map(file, 0, LOG_BYTES);
        log = DirtyLog.map(file, 0, LOG_BYTES, () -> {});
    }

    @AfterEach
    void close() {
        log.close();
        bits.close();
        file.close();
        fixture.close();
    }

    /** The pages marked since the last call. */
    private BitSet takeMarks() {
        byte[] bytes = new byte[LOG_BYTES];
        NativeMemory.get(bits.address(), bytes, 0, bytes.length);
        NativeMemory.put(new byte[LOG_BYTES], 0, bits.address(), LOG_BYTES);
        return BitSet.valueOf(bytes);
    }

    private static BitSet pages(long... addresses) {
        BitSet pages = new BitSet();
        for (long address : addresses) {
            pages.set((int) (address / DirtyLog.PAGE_BYTES));
        }
        return pages;
    }

    private byte[] memory() {
        byte[] all = new byte[MEMORY_BYTES];
        NativeMemory.get(fixture.memory.hostAddress(DriverMemory.DEFAULT_GUEST_ADDRESS), all, 0, all.length);
        return all;
    }

    private BitSet differences(byte[] before, byte[] after) {
        BitSet pages = new BitSet();
        int first = (int) (DriverMemory.DEFAULT_GUEST_ADDRESS / DirtyLog.PAGE_BYTES);
        for (int i = 0; i < before.length; i += DirtyLog.PAGE_BYTES) {
            int end = i + DirtyLog.PAGE_BYTES;
            if (!Arrays.equals(before, i, end, after, i, end)) {
                pages.set(first + i / DirtyLog.PAGE_BYTES);
            }
        }
        return pages;
    }

    private void logRing() {
        fixture.queue.logTo(new RingLog(log, fixture.deviceMemory, fixture.driver.usedAddress()));
    }

    @Test
    @DisplayName("a copy made of the pages marked is the memory itself, with traffic in both directions")
    void shouldMarkEveryPageThatDiffers() throws Exception {
        for (boolean eventIdx : new boolean[] {true, false}) {
            close();
            open(eventIdx);
            SplittableRandom random = new SplittableRandom(10);
            logRing();
            for (int round = 0; round < 60; round++) {
                boolean writable = random.nextBoolean();
                int length = random.nextInt(1, 10_000);
                long address = fixture.data(length);
                if (writable) {
                    fixture.driver.addWritable(address, length, 0);
                } else {
                    fixture.driver.addReadable(address, length, 0);
                }
                fixture.driver.publish();
                byte[] before = memory();
                fixture.queue.enableKicks();
                fixture.queue.disableKicks();
                if (writable) {
                    fixture.queue.walkWritable(1);
                    fixture.fillWindow(pattern(round + 1, random.nextInt(1, length + 1)));
                } else {
                    fixture.queue.walkReadable();
                    fixture.queue.consume(length);
                }
                fixture.queue.publish();
                BitSet unmarked = differences(before, memory());
                BitSet marked = takeMarks();
                unmarked.andNot(marked);
                assertTrue(unmarked.isEmpty(), () -> "not marked: " + unmarked);
                assertTrue(marked.cardinality() <= 8, () -> "too much is marked: " + marked);
                assertTrue(fixture.driver.poll());
            }
        }
    }

    @Test
    @DisplayName("without the ring's own flag only buffers are marked, and nothing at all without a log")
    void shouldMarkBuffersOnly() {
        long address = fixture.data(3 * 4096);
        fixture.driver.addWritable(address, 3 * 4096, 0);
        fixture.driver.addWritable(address, 10, 0);
        fixture.driver.publish();
        fixture.queue.logTo(new RingLog(log, fixture.deviceMemory));
        fixture.queue.walkWritable(2);
        fixture.fillWindow(pattern(1, 4097));
        fixture.queue.publish();
        assertEquals(pages(address, address + 4096), takeMarks());
        fixture.queue.logTo(null);
        fixture.fillWindow(pattern(1, 10));
        fixture.queue.publish();
        assertEquals(new BitSet(), takeMarks());
    }

    @Test
    @DisplayName("SEC-57 a buffer beyond the log breaks the ring")
    void shouldBreakWhenBufferIsOutsideOfLog() throws Exception {
        try (DirtyLog small = DirtyLog.map(file, 0, 0x10_0000 / 4096 / 8, () -> {})) {
            fixture.driver.addWritable(fixture.data(10), 10, 0);
            fixture.driver.publish();
            fixture.queue.logTo(new RingLog(small, fixture.deviceMemory));
            fixture.queue.walkWritable(1);
            DriverFaultException e = assertThrows(DriverFaultException.class, () -> fixture.fillWindow(pattern(1, 10)));
            assertTrue(String.valueOf(e.getMessage()).startsWith("written memory is outside of the dirty log: "));
            assertEquals(new BitSet(), takeMarks());
        }
    }

    @Test
    @DisplayName("SEC-59 a used ring whose log address wraps breaks the ring")
    void shouldBreakWhenLogAddressWraps() {
        for (long address : new long[] {-1, -2, -6, 1L << 40, Long.MIN_VALUE}) {
            fixture.queue.logTo(new RingLog(log, fixture.deviceMemory, address));
            fixture.driver.addReadable(fixture.data(10), 10, 0);
            fixture.driver.publish();
            fixture.queue.walkReadable();
            assertThrows(DriverFaultException.class, () -> {
                fixture.queue.disableKicks();
                fixture.queue.consume(10);
                fixture.queue.publish();
                fixture.queue.enableKicks();
            });
        }
    }
}
