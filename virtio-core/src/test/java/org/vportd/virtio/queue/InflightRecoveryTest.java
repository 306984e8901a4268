package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;
import org.vportd.virtio.driver.QueueDriver;

/** What is noted of chains in flight: a device that dies at any store, and one that goes on where it was. */
class InflightRecoveryTest {
    private static final int NEVER = Integer.MAX_VALUE;

    /** The device is no more. */
    private static final class Crash extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Crash() {
            super(null, null, false, false);
        }
    }

    /** A ring whose device notes what is in flight and dies at a store. */
    private static final class Rig implements AutoCloseable {
        final QueueFixture f;
        final int entries;
        final InflightRegion region;
        final Deque<byte[]> outstanding = new ArrayDeque<>();
        private int storesLeft = NEVER;
        private int made;
        private int polled;

        Rig(RingFormat format) throws PosixException {
            f = new QueueFixture(format, format.sizeNear(8), false);
            entries = f.driver.size();
            region = new InflightRegion(
                    NativeMemory.allocate(InflightRegion.bytes(format.isPacked(), entries)), entries);
        }

        private void store() {
            if (storesLeft-- == 0) {
                throw new Crash();
            }
        }

        /** A device that knows nothing but what was noted, and dies after so many stores. */
        void open(int base, int stores) {
            storesLeft = stores;
            f.track(base, new InflightStore(region, this::store), entries);
        }

        /** Makes a chain available that nobody has seen before. */
        void add(int buffers) {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (int i = 0; i < buffers; i++) {
                byte[] bytes = QueueFixture.pattern(16 * made + 4 * i, 2 + i);
                all.writeBytes(bytes);
                f.driver.readable(f.data(bytes), bytes.length);
            }
            if (f.driver.submit(made) != QueueDriver.FULL) {
                made++;
                outstanding.add(all.toByteArray());
            }
            f.driver.publish();
        }

        /** The driver takes what was returned: each chain once, and in order. */
        void poll() {
            while (f.driver.poll()) {
                assertEquals(polled, f.driver.usedToken(), "chain");
                polled++;
                outstanding.remove();
            }
        }

        void consume(int bytes) {
            f.queue.walkReadable();
            f.queue.consume(Math.min(bytes, f.queue.segments().bytes()));
            f.queue.publish();
        }

        /** All that the device finds in the ring. */
        byte[] drain() {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            f.queue.walkReadable();
            while (f.queue.windowChains() > 0) {
                all.writeBytes(f.window());
                consume(NEVER);
                f.queue.walkReadable();
            }
            return all.toByteArray();
        }

        byte[] expected() {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            outstanding.forEach(all::writeBytes);
            return all.toByteArray();
        }

        /** What devices do, several times round the ring. */
        void live() {
            for (int round = 0; round < 5; round++) {
                add(1);
                add(3);
                add(1);
                consume(4); // ends in the middle of the second
                add(1);
                consume(5);
                poll();
                add(2);
                f.queue.walkReadable();
                f.queue.rewind();
                consume(1);
                f.queue.rewind();
                consume(NEVER);
                poll();
                add(1);
                add(1);
                f.queue.walkReadable();
                f.queue.consume(2);
                f.queue.walkReadable(); // more is taken while some is returned and not shown
                f.queue.consume(1);
                f.queue.publish();
                f.queue.rewind();
                poll();
            }
        }

        @Override
        public void close() {
            f.close();
            NativeMemory.free(region.address());
        }
    }

    /** A base that a front-end could give that has only the ring to look at; a wrong one if the ring is packed. */
    private static int base(Rig rig) {
        return rig.f.format.isPacked() ? PackedLayout.FIRST_BASE : rig.f.driver.availIndex();
    }

    private static boolean lives(Rig rig, int stores) {
        try {
            rig.open(rig.f.driver.firstBase(), stores);
            rig.live();
            return true;
        } catch (Crash crash) {
            return false;
        }
    }

    private static void goesOn(Rig rig, String when) {
        rig.poll();
        assertArrayEquals(rig.expected(), rig.drain(), when);
        rig.poll();
        assertEquals(0, rig.f.driver.outstanding(), when);
        rig.live(); // and nothing is left that disturbs
        rig.drain();
        rig.poll();
        assertEquals(0, rig.f.driver.outstanding(), when);
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    @DisplayName("A device that dies at any store is followed by one that takes each chain that was not returned")
    void followsCrashAtAnyStore(RingFormat format) throws PosixException {
        boolean survived = false;
        int stores = 0;
        for (; !survived; stores++) {
            for (int variant = 0; variant < 2; variant++) {
                try (Rig rig = new Rig(format)) {
                    survived = lives(rig, stores);
                    String when = "store " + stores + " variant " + variant;
                    if (variant == 1) { // the guest does not stop meanwhile
                        rig.poll();
                        rig.add(1);
                        rig.add(1);
                    }
                    rig.open(base(rig), NEVER);
                    goesOn(rig, when);
                }
            }
        }
        assertTrue(stores > 100, "few stores: " + stores);
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    @DisplayName("A device that dies while it finds out what was in flight is followed by one that finds the same")
    void followsCrashInRecovery(RingFormat format) throws PosixException {
        for (int stores = 40; stores < 200; stores += 7) {
            boolean opened = false;
            for (int second = 0; !opened; second++) {
                try (Rig rig = new Rig(format)) {
                    if (lives(rig, stores)) {
                        break;
                    }
                    try {
                        rig.open(base(rig), second);
                        opened = true;
                    } catch (Crash crash) {
                        // once more
                    }
                    rig.open(base(rig), NEVER);
                    goesOn(rig, "stores " + stores + " and " + second);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    @DisplayName("A stop takes chains out of flight, and the base is what it is without notes")
    void rewindForgets(RingFormat format) throws PosixException {
        try (Rig rig = new Rig(format)) {
            rig.open(rig.f.driver.firstBase(), NEVER);
            rig.add(1);
            rig.add(1);
            rig.add(1);
            rig.consume(3);
            HeldPosition held = rig.f.queue.rewind();
            int base = rig.f.queue.base();
            assertEquals(rig.f.baseAfter(1, 1), base);
            assertEquals(new HeldPosition(base, 1), held);
            for (int i = 0; i < rig.entries; i++) {
                long entry = rig.region.address() + (format.isPacked() ? 32 + 32L * i : 16 + 16L * i);
                assertEquals(0, NativeMemory.getByte(entry), "entry " + i);
            }
        }
    }

    @Test
    @DisplayName("What another device took and returned out of order is taken again in its order (split)")
    void takesAgainSplit() throws PosixException {
        try (Rig rig = new Rig(RingFormat.SPLIT)) {
            QueueFixture f = rig.f;
            for (int i = 0; i < 5; i++) {
                f.descriptor(i, f.data(QueueFixture.pattern(10 * i, 4)), 4, 0, 0);
                f.offer(i);
            }
            // It took 0 to 3 and returned 1, which it has not noted yet; 0 to 3 are out of the ring.
            InflightStore store = new InflightStore(rig.region);
            store.putU16(8, 1);
            store.putU16(10, rig.entries);
            store.putU16(12, 1);
            int[] order = {2, 0, 1, 3};
            for (int i = 0; i < order.length; i++) {
                store.putByte(16 + 16L * order[i], 1);
                store.putLong(16 + 16L * order[i] + 8, 70 + i);
            }
            long used = f.memory.hostAddress(f.driver.usedAddress());
            NativeMemory.putInt(used + 4, 1);
            NativeMemory.putShort(used + 2, (short) 1);
            rig.open(5, NEVER);
            f.queue.walkReadable();
            assertArrayEquals(concat(20, 0, 30, 40), f.window());
            f.queue.consume(6);
            f.queue.publish();
            assertEquals(2, f.usedIdx());
            assertEquals(2, f.usedElementId(1));
            HeldPosition held = f.queue.rewind();
            rig.open(f.queue.base(), NEVER); // a stop in between
            f.queue.resumeAt(held);
            f.queue.walkReadable();
            assertEquals(10, f.queue.segments().bytes());
            f.queue.consume(10);
            f.queue.publish();
            assertEquals(5, f.usedIdx());
            assertEquals(0, f.usedElementId(2));
            assertEquals(3, f.usedElementId(3));
            assertEquals(4, f.usedElementId(4));
        }
    }

    private static byte[] concat(int... starts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int start : starts) {
            all.writeBytes(QueueFixture.pattern(start, 4));
        }
        return all.toByteArray();
    }

    @Test
    @DisplayName("What another device took and returned out of order is taken again in its order (packed)")
    void takesAgainPacked() throws PosixException {
        try (Rig rig = new Rig(RingFormat.PACKED)) {
            QueueFixture f = rig.f;
            long[] data = new long[4];
            for (int i = 0; i < 4; i++) {
                data[i] = f.data(QueueFixture.pattern(10 * i, 4));
                f.descriptor(i, data[i], 4, i == 0 ? QueueFixture.NEXT : 0, 1);
            }
            f.offer(0); // of two descriptors
            f.offer(2);
            f.offer(3);
            InflightStore store = new InflightStore(rig.region);
            store.putU16(8, 1);
            store.putU16(10, rig.entries);
            int available = PackedLayout.VIRTQ_DESC_F_AVAIL;
            store.putU16(32 + 32L * 4 + 2, 5);
            store.putU16(32 + 32L * 5 + 2, 6);
            for (int i = 0; i < 4; i++) {
                long entry = 32 + 32L * i;
                store.putU16(entry + 2, i + 1);
                store.putU16(entry + 16, i < 2 ? 0 : i);
                store.putU16(entry + 18, available | (i == 0 ? QueueFixture.NEXT : 0));
                store.putInt(entry + 20, 4);
                store.putLong(entry + 24, data[i]);
            }
            note(store, 0, 2, 5);
            note(store, 2, 1, 4); // and this one was returned
            store.putByte(32 + 32L * 2, 0);
            store.putU16(12, 2);
            store.putU16(14, 2);
            store.putU16(32 + 32L * 2 + 2, 4);
            note(store, 3, 1, 3);
            store.putU16(16, 1);
            store.putU16(18, 1);
            store.putByte(20, 1);
            store.putByte(21, 1);
            f.packed().put(PackedLayout.FIRST_CURSOR, 0, 0, 2, PackedLayout.usedFlags(PackedLayout.FIRST_CURSOR));
            rig.open(PackedLayout.FIRST_BASE, NEVER);
            f.queue.walkReadable();
            assertArrayEquals(concat(30, 0, 10), f.window());
            f.queue.consume(4);
            f.queue.publish();
            assertEquals(3, f.packed().id(PackedLayout.FIRST_CURSOR + 1));
            f.queue.consume(8);
            f.queue.publish();
            int third = PackedLayout.FIRST_CURSOR + 2;
            assertEquals(0, f.packed().id(third));
            assertTrue(PackedLayout.isUsed(f.packed().flags(third), third));
            assertEquals(PackedLayout.base(PackedLayout.FIRST_CURSOR + 4), f.queue.base());
        }
    }

    private static void note(InflightStore store, int head, int length, long counter) {
        long entry = 32 + 32L * head;
        store.putU16(entry + 4, head + length - 1);
        store.putU16(entry + 6, length);
        store.putLong(entry + 8, counter);
        store.putByte(entry, 1);
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    @DisplayName("SEC-60 A region full of nonsense does no harm beyond its own ring")
    void survivesNonsense(RingFormat format) throws PosixException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 300; i++) {
            try (Rig rig = new Rig(format)) {
                long bytes = InflightRegion.bytes(format.isPacked(), rig.entries);
                for (long at = 0; at < bytes; at++) {
                    int small = random.nextInt(random.nextBoolean() ? 3 : 256);
                    NativeMemory.putByte(rig.region.address() + at, (byte) small);
                }
                NativeMemory.putShort(rig.region.address() + 8, (short) 1);
                NativeMemory.putShort(rig.region.address() + 10, (short) rig.entries);
                rig.add(1);
                rig.add(2);
                rig.open(rig.f.driver.firstBase(), NEVER);
                rig.drain();
                rig.f.queue.rewind();
            } catch (DriverFaultException fault) {
                assertNotNull(fault.getMessage());
            } catch (RuntimeException e) {
                throw new AssertionError("seed=" + seed + " round=" + i, e);
            }
        }
    }

    @Test
    @DisplayName("SEC-60 A region of another version or queue size is told from one that can be used")
    void knowsUsableRegions() throws PosixException {
        try (Rig rig = new Rig(RingFormat.SPLIT)) {
            InflightRegion region = rig.region;
            assertNull(region.fault(8));
            assertEquals("in-flight area is too small: entries=8 num=16", region.fault(16));
            NativeMemory.putShort(region.address() + 8, (short) 7);
            assertEquals("in-flight area has an unknown version: version=7", region.fault(8));
            NativeMemory.putShort(region.address() + 8, (short) 1);
            NativeMemory.putShort(region.address() + 10, (short) 4);
            assertEquals("in-flight area is for another queue size: desc_num=4 entries=8", region.fault(8));
            region.forget();
            assertNull(region.fault(8));
        }
    }
}
