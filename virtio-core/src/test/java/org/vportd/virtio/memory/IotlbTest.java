package org.vportd.virtio.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vportd.virtio.driver.DriverMemory;

class IotlbTest implements Iotlb.Listener {
    private static final int PAGE = Iotlb.PAGE_BYTES;
    private static final int PAGES = 64;
    private static final int BOTH = Iotlb.READ | Iotlb.WRITE;

    private final List<String> heard = new ArrayList<>();
    private DriverMemory driver;
    private GuestMemory memory;
    private long user;
    private long host;

    @BeforeEach
    void open() throws Exception {
        driver = DriverMemory.open((long) PAGES * PAGE);
        memory = driver.mapForDevice();
        user = driver.regions().get(0).userAddress();
        host = memory.userRange(user, 1);
    }

    @AfterEach
    void close() {
        memory.close();
        driver.close();
    }

    @Override
    public boolean missing(long iova, int permission) {
        return false;
    }

    @Override
    public void denied(long iova, int permission) {}

    @Override
    public void revoked(long hostAddress, long sizeBytes) {
        heard.add((hostAddress - host) / PAGE + "+" + sizeBytes / PAGE);
    }

    @Override
    public void revokedMany() {
        heard.add("many");
    }

    private long userPage(int page) {
        return user + (long) page * PAGE;
    }

    private static String at(Iotlb iotlb, long iova, long base) {
        int entry = iotlb.entryOf(iova);
        return entry == Iotlb.NO_ENTRY
                ? "-"
                : iotlb.hostAddress(entry, iova) - base + "/" + iotlb.bytesLeft(entry, iova);
    }

    @Test
    void shouldFindEveryAddressOfAnEntryAndNoOther() {
        Iotlb iotlb = new Iotlb(8, this);
        long high = -2L * PAGE; // the last pages there are
        assertTrue(iotlb.update(high, 2L * PAGE, userPage(3), Iotlb.READ, memory));
        assertTrue(iotlb.update(PAGE, PAGE, userPage(9), BOTH, memory));

        assertEquals("-", at(iotlb, 0, host));
        assertEquals(9 * PAGE + "/" + PAGE, at(iotlb, PAGE, host));
        assertEquals(9 * PAGE + PAGE - 1 + "/1", at(iotlb, 2 * PAGE - 1, host));
        assertEquals("-", at(iotlb, 2 * PAGE, host));
        assertEquals("-", at(iotlb, high - 1, host));
        assertEquals(3 * PAGE + "/" + 2 * PAGE, at(iotlb, high, host));
        assertEquals(5 * PAGE - 1 + "/1", at(iotlb, -1, host));
        assertTrue(iotlb.permits(iotlb.entryOf(PAGE), BOTH));
        assertFalse(iotlb.permits(iotlb.entryOf(high), Iotlb.WRITE));
        assertFalse(iotlb.permits(iotlb.entryOf(high), BOTH));
    }

    @Test
    void shouldRefuseUpdateWhenItIsNotWithinARegion() {
        Iotlb iotlb = new Iotlb(8, this);
        iotlb.update(0, PAGE, userPage(0), BOTH, memory);

        assertFalse(iotlb.update(0, 2L * PAGE, userPage(PAGES - 1), BOTH, memory));
        assertFalse(iotlb.update(0, PAGE, user - PAGE, BOTH, memory));

        assertEquals("0/" + PAGE, at(iotlb, 0, host));
        assertEquals(List.of(), heard);
    }

    @Test
    void shouldGiveUpWholeEntriesWhenTheyAreTouched() {
        Iotlb iotlb = new Iotlb(8, this);
        iotlb.update(0, 4L * PAGE, userPage(0), BOTH, memory);
        iotlb.update(4 * PAGE, PAGE, userPage(10), BOTH, memory);
        iotlb.update(6 * PAGE, PAGE, userPage(20), BOTH, memory);

        assertTrue(iotlb.invalidate(3 * PAGE + 5, PAGE));
        assertEquals(List.of("0+4", "10+1"), heard);
        assertEquals(1, iotlb.size());
        assertFalse(iotlb.invalidate(5 * PAGE, PAGE));
        assertTrue(iotlb.invalidate(0, -1));
        assertEquals(0, iotlb.size());
    }

    @Test
    void shouldKeepEntryWhenTheSameComesAgain() {
        Iotlb iotlb = new Iotlb(8, this);
        iotlb.update(0, PAGE, userPage(1), Iotlb.READ, memory);

        assertFalse(iotlb.differs(0, PAGE, userPage(1), BOTH));
        assertTrue(iotlb.update(0, PAGE, userPage(1), BOTH, memory));
        assertEquals(List.of(), heard);
        assertTrue(iotlb.permits(iotlb.entryOf(0), BOTH));

        assertTrue(iotlb.differs(0, PAGE, userPage(1), Iotlb.READ));
        assertTrue(iotlb.differs(0, PAGE, userPage(2), BOTH));
        assertFalse(iotlb.differs(PAGE, PAGE, userPage(7), BOTH));
        assertTrue(iotlb.update(0, PAGE, userPage(1), Iotlb.READ, memory));
        assertEquals(List.of("1+1"), heard);
    }

    @Test
    void shouldGiveUpAnotherEntryWhenFull() {
        Iotlb iotlb = new Iotlb(4, this);
        for (int i = 0; i < 40; i++) {
            assertTrue(iotlb.update((long) i * PAGE, PAGE, userPage(i), BOTH, memory));
            assertEquals(i * PAGE + "/" + PAGE, at(iotlb, (long) i * PAGE, host));
            assertEquals(Math.min(i + 1, 4), iotlb.size());
        }
        assertEquals(36, heard.size());
    }

    @Test
    void shouldSayManyWhenManyGo() {
        Iotlb iotlb = new Iotlb(64, this);
        for (int i = 0; i < 40; i++) {
            iotlb.update((long) i * PAGE, PAGE, userPage(i), BOTH, memory);
        }
        iotlb.clear();
        assertEquals(List.of("many"), heard);
    }

    @Test
    void shouldFollowMemoryWhenRegionsChange() throws Exception {
        Iotlb iotlb = new Iotlb(64, this);
        iotlb.update(0, PAGE, userPage(5), BOTH, memory);
        try (GuestMemory again = driver.mapForDevice()) {
            iotlb.retranslate(again);
            assertEquals(5 * PAGE + "/" + PAGE, at(iotlb, 0, again.userRange(user, 1)));
        }
        try (GuestMemory empty = new GuestMemory()) {
            iotlb.retranslate(empty);
            assertEquals("-", at(iotlb, 0, host));
        }
    }

    /** The table does what an array of pages does, and tells of each page that goes. */
    @Test
    void shouldAgreeWithAnArrayWhateverHappens() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int[] model = new int[PAGES]; // the page that is mapped there, plus 1
        Iotlb iotlb = new Iotlb(1000, this);
        for (int step = 0; step < 20_000; step++) {
            int page = random.nextInt(PAGES);
            int pages = 1 + random.nextInt(Math.min(4, PAGES - page));
            if (random.nextInt(3) > 0) {
                int to = random.nextInt(PAGES - pages + 1);
                assertTrue(
                        iotlb.update((long) page * PAGE, (long) pages * PAGE, userPage(to), BOTH, memory),
                        "seed=" + seed);
                // what an update overlaps goes as a whole
                forget(model, iotlb, page, pages);
                for (int i = 0; i < pages; i++) {
                    model[page + i] = to + i + 1;
                }
            } else {
                iotlb.invalidate((long) page * PAGE, (long) pages * PAGE);
                forget(model, iotlb, page, pages);
                for (int i = 0; i < pages; i++) {
                    model[page + i] = 0;
                }
            }
            for (int i = 0; i < PAGES; i++) {
                String found = at(iotlb, (long) i * PAGE, host);
                long expected = (model[i] - 1L) * PAGE;
                assertTrue(
                        model[i] == 0 ? found.equals("-") : found.startsWith(expected + "/"),
                        "seed=" + seed + " step=" + step + " page=" + i + " " + found);
            }
        }
    }

    /** Pages outside of a range may have gone with entries that reached into it, but must not be somewhere else. */
    private void forget(int[] model, Iotlb iotlb, int page, int pages) {
        for (int i = 0; i < PAGES; i++) {
            boolean outside = i < page || i >= page + pages;
            if (outside && iotlb.entryOf((long) i * PAGE) == Iotlb.NO_ENTRY) {
                model[i] = 0;
            }
        }
    }
}
