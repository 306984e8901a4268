package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.NativeMemory;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.RegionDescription;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.queue.PackedLayout;
import org.vportd.virtio.queue.SplitLayout;

/**
 * A driver that changes everything while the device looks at it. A failure names its seed; {@code -Dvportd.seed=N} begins
 * with the same values, and {@code -Dvportd.mutate.ms=N} goes on for longer.
 */
@Timeout(3600)
class MutatingMemoryTest {
    private static final String SEED_PROPERTY = "vportd.seed";
    private static final long DURATION_NS = TimeUnit.MILLISECONDS.toNanos(Integer.getInteger("vportd.mutate.ms", 1000));
    private static final long LATEST_NS = TimeUnit.SECONDS.toNanos(20);
    private static final int ROUNDS_PER_CHECK = 32;
    private static final int STEPS_PER_ROUND = 8;

    @TempDir
    private Path directory;

    @ParameterizedTest(name = "packed={0}")
    @ValueSource(booleans = {false, true})
    @DisplayName("SEC-81 G1 descriptors, lengths and rings change while the device serves them")
    void everythingChanges(boolean packed) throws Exception {
        long seed = Long.getLong(SEED_PROPERTY, System.nanoTime());
        long features = VirtioFeature.mask(VirtioFeature.VIRTIO_F_INDIRECT_DESC)
                | VirtioFeature.mask(VirtioFeature.VIRTIO_F_EVENT_IDX)
                | (packed ? VirtioFeature.mask(VirtioFeature.VIRTIO_F_RING_PACKED) : 0);
        AtomicBoolean stop = new AtomicBoolean();
        try (HostileRig rig = new HostileRig(directory);
                TestGuest guest = TestGuest.open(2, features);
                RawFrontend frontend = rig.attack()) {
            frontend.accepted(FrontendRequest.SET_PROTOCOL_FEATURES, RawFrontend.u64(BackendRig.PROTOCOL));
            frontend.accepted(FrontendRequest.SET_FEATURES, RawFrontend.u64(RawFrontend.FEATURES | features));
            frontend.run(guest);
            SplittableRandom random = new SplittableRandom(seed);
            Mutator here = new Mutator(guest, packed, random.split());
            Mutator there = new Mutator(guest, packed, random.split());
            Thread mutator = new Thread(
                    () -> {
                        while (!stop.get()) {
                            there.step();
                        }
                    },
                    "mutator");
            mutator.start();
            try {
                assertTrue(serve(rig, guest, frontend, here) > 0, "no ring was ever broken");
                assertTrue(rig.outputBytes() > 0, "nothing has got through");
            } catch (Exception | Error e) {
                throw new AssertionError("begin again with -D" + SEED_PROPERTY + "=" + seed, e);
            } finally {
                stop.set(true);
                mutator.join();
            }
            rig.assertNeighbourIsServed();
        }
    }

    /** Keeps both rings going, from the beginning whenever the device has had enough of one; how often that was. */
    private static int serve(HostileRig rig, TestGuest guest, RawFrontend frontend, Mutator mutator) throws Exception {
        long end = System.nanoTime() + DURATION_NS;
        int broken = 0;
        long latest = end + LATEST_NS; // on a machine with more to do it takes longer until something happens
        for (int round = 0;
                System.nanoTime() - end < 0
                        || ((broken == 0 || rig.outputBytes() == 0) && System.nanoTime() - latest < 0);
                round++) {
            for (int i = 0; i < STEPS_PER_ROUND; i++) {
                mutator.step(); // where there is one processor only, the other thread rarely has its turn
            }
            for (TestGuest.Ring ring : guest.rings) {
                ring.kick.signal();
            }
            rig.talk();
            for (TestGuest.Ring ring : guest.rings) {
                if (ring.error.drain() > 0) {
                    broken++;
                    int unused = frontend.stop(ring.index);
                    ring.driver.reset();
                    frontend.setUp(ring);
                }
            }
            if (round % ROUNDS_PER_CHECK == 0) {
                frontend.assertServed();
                rig.assertNeighbourIsServed();
            }
        }
        return broken;
    }

    /** What the driver does to its rings, one step at a time. */
    private static final class Mutator {
        private final TestGuest guest;
        private final boolean packed;
        private final SplittableRandom random;
        private final long[] addresses;
        private final int[] lengths = {0, 1, 7, 16, 17, 64, 128, 4096, 1 << 19, -1};

        Mutator(TestGuest guest, boolean packed, SplittableRandom random) {
            this.guest = guest;
            this.packed = packed;
            this.random = random;
            RegionDescription region = guest.region();
            addresses = new long[] {
                region.guestAddress() + (1 << 19), // plain buffers
                region.guestAddress() + (1 << 19) + 4000,
                region.guestAddress(), // rings and tables
                region.guestAddress() + 512,
                region.guestAddress() + region.sizeBytes() - 8,
                region.guestAddress() + region.sizeBytes(),
                region.guestAddress() - 1,
                -1
            };
        }

        void step() {
            TestGuest.Ring ring = guest.ring(random.nextInt(2));
            long table = guest.memory.hostAddress(ring.driver.descriptorAddress());
            long descriptor = table + (long) SplitLayout.DESC_LENGTH * random.nextInt(TestGuest.RING_SIZE);
            boolean bad = random.nextInt(16) == 0;
            NativeMemory.putLong(descriptor, addresses[random.nextInt(bad ? addresses.length : 2)]);
            NativeMemory.putInt(
                    descriptor + SplitLayout.DESC_LEN_OFFSET, lengths[random.nextInt(bad ? lengths.length : 8)]);
            int flags = ring.index == 0 ? SplitLayout.VIRTQ_DESC_F_WRITE : 0;
            if (random.nextInt(8) == 0) {
                flags ^= random.nextInt(bad ? 8 : 2);
            }
            if (packed) {
                makeAvailable(ring, descriptor, flags);
            } else {
                makeAvailable(ring, descriptor, flags, bad);
            }
        }

        private void makeAvailable(TestGuest.Ring ring, long descriptor, int flags, boolean bad) {
            int heads = TestGuest.RING_SIZE + (bad ? 1 : 0);
            NativeMemory.putShort(descriptor + SplitLayout.DESC_FLAGS_OFFSET, (short) flags);
            NativeMemory.putShort(descriptor + SplitLayout.DESC_NEXT_OFFSET, (short) random.nextInt(heads));
            long avail = guest.memory.hostAddress(ring.driver.availAddress());
            long element = avail + SplitLayout.RING_OFFSET + 2L * random.nextInt(TestGuest.RING_SIZE);
            NativeMemory.putShort(element, (short) random.nextInt(heads));
            long used = guest.memory.hostAddress(ring.driver.usedAddress());
            int index = NativeMemory.getShort(used + SplitLayout.IDX_OFFSET) + random.nextInt(TestGuest.RING_SIZE / 2);
            NativeMemory.putShort(avail + SplitLayout.IDX_OFFSET, (short) (bad ? random.nextInt() : index));
            NativeMemory.putShort(avail + SplitLayout.usedEventOffset(TestGuest.RING_SIZE), (short) random.nextInt());
        }

        private void makeAvailable(TestGuest.Ring ring, long descriptor, int flags) {
            NativeMemory.putShort(descriptor + PackedLayout.DESC_ID_OFFSET, (short) random.nextInt());
            int whose = random.nextBoolean() ? PackedLayout.VIRTQ_DESC_F_AVAIL : PackedLayout.VIRTQ_DESC_F_USED;
            NativeMemory.putShort(descriptor + PackedLayout.DESC_FLAGS_OFFSET, (short) (flags | whose));
            NativeMemory.putInt(guest.memory.hostAddress(ring.driver.availAddress()), random.nextInt());
        }
    }
}
