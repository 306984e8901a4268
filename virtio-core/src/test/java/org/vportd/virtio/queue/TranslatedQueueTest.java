package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.vportd.virtio.queue.QueueFixture.pattern;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.memory.Iotlb;

/** Buffers of a queue behind an IOMMU. */
@ParameterizedClass
@EnumSource(RingFormat.class)
class TranslatedQueueTest implements Iotlb.Listener {
    private static final int PAGE = Iotlb.PAGE_BYTES;
    /** In no region. */
    private static final long IOVA = 0x7fff_1234_0000L;

    private static final int BOTH = Iotlb.READ | Iotlb.WRITE;

    private final RingFormat format;
    private final List<String> heard = new ArrayList<>();
    private final Iotlb iotlb = new Iotlb(64, this);
    private boolean asks = true;
    private QueueFixture f;

    TranslatedQueueTest(RingFormat format) {
        this.format = format;
    }

    @BeforeEach
    void open() throws Exception {
        f = new QueueFixture(format, 8, true);
        f.queue.translateThrough(iotlb);
    }

    @AfterEach
    void close() {
        f.close();
    }

    @Override
    public boolean missing(long iova, int permission) {
        heard.add("miss " + (iova - IOVA) + " " + permission);
        return asks;
    }

    @Override
    public void denied(long iova, int permission) {
        heard.add("denied " + (iova - IOVA) + " " + permission);
    }

    @Override
    public void revoked(long hostAddress, long sizeBytes) {
        if (f.queue.holds(hostAddress, sizeBytes)) {
            heard.add("rewound");
            f.queue.resumeAt(f.queue.rewind());
        }
    }

    @Override
    public void revokedMany() {}

    private List<String> takeHeard() {
        List<String> taken = List.copyOf(heard);
        heard.clear();
        return taken;
    }

    private long newPage() {
        return f.memory.allocate(PAGE, PAGE);
    }

    /** Maps one page of the driver's address space. */
    private void map(int page, long guestPage, int permission) {
        assertTrue(iotlb.update(
                IOVA + (long) page * PAGE, PAGE, f.memory.hostAddress(guestPage), permission, f.deviceMemory));
    }

    @Test
    void shouldPutBufferTogetherWhenItsPagesAreApart() {
        long first = newPage();
        long second = newPage();
        long third = newPage();
        map(0, third, BOTH);
        map(1, first, BOTH);
        map(2, second, BOTH);
        f.write(third + PAGE - 10, pattern(0, 10));
        f.write(first, pattern(10, PAGE));
        f.write(second, pattern(10 + PAGE, 20));
        f.driver.addReadable(IOVA + PAGE - 10, 30 + PAGE, 0);
        f.driver.publish();

        f.queue.walkReadable();

        assertArrayEquals(pattern(0, 30 + PAGE), f.window());
        assertEquals(2, f.queue.segments().segments(), "pages that touch make one segment");
        assertFalse(f.queue.isWaiting());
        assertEquals(List.of(), takeHeard());
    }

    /** The region at 0x10_0000 right above the other, where the kernel puts them once there are no holes to fill. */
    private void openTouchingRegions() throws Exception {
        int length = 1 << 20;
        List<DriverMemory.Range> ranges =
                List.of(new DriverMemory.Range(0x10_0000, length), new DriverMemory.Range(0x80_0000, length));
        List<QueueFixture> apart = new ArrayList<>();
        f = new QueueFixture(format, 8, true, ranges, 0);
        while (!areTouching(length) && apart.size() < 50) {
            apart.add(f);
            f = new QueueFixture(format, 8, true, ranges, 0);
        }
        apart.forEach(QueueFixture::close);
        assumeTrue(areTouching(length), "the kernel did not put one mapping right below the other");
    }

    private boolean areTouching(int length) {
        return f.deviceMemory.guestRange(0x80_0000, 1) + length == f.deviceMemory.guestRange(0x10_0000, 1);
    }

    /** What is written is noted by region: a segment that were in two of them could not be. */
    @Test
    void shouldEndSegmentWhereItsRegionEnds() throws Exception {
        f.close();
        openTouchingRegions();
        f.queue.translateThrough(iotlb);
        map(0, 0x80_0000 + (1 << 20) - PAGE, BOTH);
        map(1, 0x10_0000, BOTH);
        f.driver.addReadable(IOVA, 2 * PAGE, 0);
        f.driver.publish();

        f.queue.walkReadable();

        assertEquals(2 * PAGE, f.queue.segments().bytes());
        assertEquals(2, f.queue.segments().segments());
    }

    @Test
    void shouldAskForAllThatIsMissingAndTakeNothing() {
        map(1, newPage(), BOTH);
        f.driver.addReadable(IOVA + 100, 3 * PAGE, 0);
        f.driver.publish();

        f.queue.walkReadable();

        assertEquals(List.of("miss 100 1", "miss " + 2 * PAGE + " 1", "miss " + 3 * PAGE + " 1"), takeHeard());
        assertEquals(0, f.queue.windowChains());
        assertEquals(0, f.queue.segments().segments());
        assertTrue(f.queue.isWaiting());
        assertTrue(f.queue.isAwaiting(IOVA + 3 * PAGE + 1));
        assertFalse(f.queue.isAwaiting(IOVA));
        assertFalse(f.queue.enableKicks(), "there is nothing to look at until the translation comes");
        assertFalse(f.queue.canGoOn());
        map(3, newPage(), BOTH);
        assertTrue(f.queue.canGoOn());
    }

    @Test
    void shouldGoOnWhereItWasWhenTranslationsCome() {
        long a = newPage();
        long b = newPage();
        map(0, a, BOTH);
        f.write(a, pattern(0, 7));
        f.write(b, pattern(7, 9));
        f.driver.addReadable(IOVA, 7, 0);
        f.driver.addReadable(IOVA + PAGE, 9, 1);
        f.driver.publish();

        List<String> seen = new ArrayList<>();
        VirtQueue.Consumer consumer = queue -> {
            seen.add("bytes " + queue.segments().bytes());
            queue.consume(queue.segments().bytes());
            return true;
        };
        assertEquals(VirtQueue.Drained.BLOCKED, f.queue.drain(consumer));
        assertEquals(List.of("bytes 7"), seen);
        assertTrue(f.driver.poll(), "the chain before the one that waits has been returned");
        assertFalse(f.driver.poll());

        map(1, b, Iotlb.READ);
        assertEquals(VirtQueue.Drained.IDLE, f.queue.drain(consumer));
        assertEquals(List.of("bytes 7", "bytes 9"), seen);
        assertTrue(f.driver.poll());
        assertEquals(1, f.driver.usedToken());
        assertFalse(f.queue.isWaiting());
    }

    @Test
    void shouldTryAgainAtAnyTimeWhenItCouldNotAsk() {
        asks = false;
        f.driver.addReadable(IOVA, 4 * PAGE, 0);
        f.driver.publish();

        f.queue.walkReadable();

        assertEquals(1, takeHeard().size(), "does not go on when nothing more can be asked for");
        assertTrue(f.queue.isWaiting());
        assertTrue(f.queue.canGoOn());
    }

    @Test
    void shouldFaultWhenDeviceMayNotWrite() {
        map(0, newPage(), Iotlb.READ);
        f.driver.addWritable(IOVA + 8, 16, 0);
        f.driver.publish();

        DriverFaultException e = assertThrows(DriverFaultException.class, () -> f.queue.walkWritable(8));

        assertTrue(String.valueOf(e.getMessage()).contains("does not permit"), e::getMessage);
        assertEquals(List.of("denied 8 2"), takeHeard());
    }

    @Test
    void shouldNotTranslateWhatItDoesNotTouch() {
        map(0, newPage(), Iotlb.READ);
        f.driver.readable(IOVA, 10).writable(IOVA + 5 * PAGE, 10).submit(0);
        f.driver.publish();

        f.queue.walkReadable();

        assertEquals(10, f.queue.segments().bytes());
        assertEquals(List.of(), takeHeard());
    }

    @Test
    void shouldReadTableThroughTranslationWhenItStraddlesPages() {
        long first = newPage();
        long other = newPage();
        long second = newPage();
        long data = newPage();
        f.write(data, pattern(3, 40));
        // The table begins in the last 16 bytes of one page and goes on in one that is elsewhere.
        f.tableEntry(first + PAGE - 16, 0, IOVA + 9 * PAGE, 30, QueueFixture.NEXT, 1);
        f.tableEntry(second, 0, IOVA + 9 * PAGE + 30, 10, 0, 0);
        f.descriptor(0, IOVA + PAGE - 16, 32, QueueFixture.INDIRECT, 0);
        f.offer(0);

        f.queue.walkReadable();
        assertEquals(List.of("miss " + (PAGE - 16) + " 1", "miss " + PAGE + " 1"), takeHeard());
        map(0, first, Iotlb.READ);
        map(1, second, Iotlb.READ);
        f.queue.walkReadable();
        assertEquals(List.of("miss " + 9 * PAGE + " 1", "miss " + (9 * PAGE + 30) + " 1"), takeHeard());
        assertEquals(0, f.queue.windowChains());
        map(9, data, Iotlb.READ);
        f.queue.walkReadable();

        assertArrayEquals(pattern(3, 40), f.window());
        assertTrue(other != second);
    }

    @Test
    void shouldHoldNothingOfAPageWhenItsTranslationGoes() {
        long old = newPage();
        long now = newPage();
        map(0, old, Iotlb.READ);
        f.write(old, pattern(0, 20));
        f.driver.addReadable(IOVA, 20, 0);
        f.driver.publish();
        f.queue.walkReadable();
        f.queue.consume(5); // a chain of which a part was taken is taken up where it was
        f.queue.publish();

        f.write(now, pattern(0, 20));
        assertTrue(iotlb.invalidate(IOVA, PAGE));
        assertEquals(List.of("rewound"), takeHeard());
        assertEquals(0, f.queue.windowChains());
        f.write(old, pattern(99, 20));

        f.queue.walkReadable();
        assertEquals(List.of("miss 0 1"), takeHeard());
        map(0, now, Iotlb.READ);
        f.queue.walkReadable();
        assertArrayEquals(pattern(5, 15), f.window());
    }

    @Test
    void shouldKeepWindowWhenAnotherTranslationGoes() {
        map(0, newPage(), Iotlb.READ);
        map(1, newPage(), Iotlb.READ);
        f.driver.addReadable(IOVA, PAGE, 0);
        f.driver.publish();
        f.queue.walkReadable();

        iotlb.invalidate(IOVA + PAGE, PAGE);

        assertEquals(1, f.queue.windowChains());
        assertEquals(List.of(), takeHeard());
    }

    @Test
    void shouldFaultWhenChainNeedsMoreThanFits() {
        for (int i = 0; i < 40; i++) {
            map(2 * i, newPage(), Iotlb.READ);
        }
        // 33 entries are more than half of the table
        for (int i = 0; i < 7; i++) {
            f.driver.readable(IOVA + (long) i * 10 * PAGE, 10 * PAGE);
        }
        f.driver.submit(0);
        f.driver.publish();

        DriverFaultException e = assertThrows(DriverFaultException.class, () -> f.queue.walkReadable());
        assertTrue(String.valueOf(e.getMessage()).contains("too many translations"), e::getMessage);
    }
}
