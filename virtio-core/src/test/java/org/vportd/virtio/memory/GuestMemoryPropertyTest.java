package org.vportd.virtio.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.vportd.posix.Fd;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.Posix;

/**
 * Random regions and ranges against a model that computes without a limit of size. A failure names its seed; {@code
 * -Dvportd.seed=N} runs that one alone.
 */
class GuestMemoryPropertyTest {
    private static final String SEED_PROPERTY = "vportd.seed";
    private static final int RUNS = 200;
    /** Few enough values that ranges touch, overlap and wrap all the time. */
    private static final long[] BASES = {0, 0x1000, 0x8000, 0x7fff_ffff_ffff_f000L, Long.MIN_VALUE, -0x3000L};

    private record Range(BigInteger start, BigInteger size) {
        static Range of(long start, long size) {
            return new Range(unsigned(start), unsigned(size));
        }

        BigInteger end() {
            return start.add(size);
        }

        boolean overlaps(Range other) {
            return start.compareTo(other.end()) < 0 && other.start.compareTo(end()) < 0;
        }

        boolean contains(Range other) {
            return start.compareTo(other.start) <= 0
                    && other.start.compareTo(end()) < 0
                    && other.end().compareTo(end()) <= 0;
        }
    }

    private static BigInteger unsigned(long value) {
        return new BigInteger(Long.toUnsignedString(value));
    }

    @Test
    void shouldAgreeWithModelWhenRegionsAreRandom() throws Exception {
        Long only = Long.getLong(SEED_PROPERTY);
        long first = only != null ? only : System.nanoTime();
        try (Fd file = Posix.memoryFile("test", 1)) {
            for (long seed = first; seed < first + (only != null ? 1 : RUNS); seed++) {
                try {
                    run(new SplittableRandom(seed), file);
                } catch (Throwable e) {
                    throw new AssertionError("replay with -D" + SEED_PROPERTY + "=" + seed, e);
                }
            }
        }
    }

    private static void run(SplittableRandom random, Fd file) throws Exception {
        List<Range> guests = new ArrayList<>();
        List<Range> users = new ArrayList<>();
        List<Long> hosts = new ArrayList<>();
        BigInteger top = BigInteger.ONE.shiftLeft(64);
        try (GuestMemory memory = new GuestMemory()) {
            for (int i = 0; i < 12; i++) {
                long guest = address(random);
                long user = address(random);
                long size = size(random);
                Range guestRange = Range.of(guest, size);
                Range userRange = Range.of(user, size);
                boolean legal = size > 0
                        && guestRange.end().compareTo(top) <= 0
                        && userRange.end().compareTo(top) <= 0
                        && guests.stream().noneMatch(guestRange::overlaps)
                        && users.stream().noneMatch(userRange::overlaps);
                MappedMemory mapping = MappedMemory.map(file, 0, 1);
                boolean taken;
                try {
                    memory.add(new MemoryRegion(guest, user, size, mapping));
                    taken = true;
                } catch (IllegalArgumentException e) {
                    mapping.close();
                    taken = false;
                }
                assertEquals(legal, taken, () -> "guest=" + guestRange + " user=" + userRange);
                if (taken) {
                    guests.add(guestRange);
                    users.add(userRange);
                    hosts.add(mapping.address());
                }
            }
            for (int i = 0; i < 200; i++) {
                long address = address(random);
                long length = size(random);
                assertEquals(expected(guests, hosts, address, length), memory.guestRange(address, length));
                assertEquals(expected(users, hosts, address, length), memory.userRange(address, length));
            }
        }
    }

    private static long expected(List<Range> ranges, List<Long> hosts, long address, long length) {
        Range wanted = Range.of(address, length);
        for (int i = 0; i < ranges.size(); i++) {
            if (ranges.get(i).contains(wanted)) {
                return hosts.get(i) + address - ranges.get(i).start().longValue();
            }
        }
        return GuestMemory.UNMAPPED;
    }

    private static long address(SplittableRandom random) {
        return BASES[random.nextInt(BASES.length)] + random.nextLong(-0x1001, 0x3001);
    }

    private static long size(SplittableRandom random) {
        return random.nextInt(10) == 0 ? random.nextLong() : random.nextLong(0, 0x2001);
    }
}
