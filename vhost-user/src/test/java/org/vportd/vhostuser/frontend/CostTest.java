package org.vportd.vhostuser.frontend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What moving buffers costs, counted instead of timed: it is the same on any machine, and a change that makes the way of a
 * byte longer shows at once, whatever else the machine does.
 */
class CostTest {
    /**
     * For each scenario, in order: accesses of the device to the driver's memory (loads, stores, full fences; not the data,
     * which the kernel moves), the kicks that the driver had to make, and the system calls of the daemon. Of these, "write"
     * is a call of the driver, "poll" the look whether its eventfd has room for one, and one "epoll_wait" of those after
     * each kick or message is the one in which the daemon would go to sleep. "Flags" are rings without EVENT_IDX.
     *
     * <p>When something becomes cheaper on purpose, what the failure says replaces this.
     */
    private static final String EXPECTED = """
            out: 64 of 64 bytes at once
              split           |  197  130   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              split in order  |  197    4   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              packed          |  196   66   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              packed in order |  196    3   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              split, flags    |  197  131   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              packed, flags   |  196   66   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
            out: 16 of 4 KiB at once
              split           |   53   34   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              split in order  |   53    4   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              packed          |   52   18   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              packed in order |   52    3   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              split, flags    |   53   35   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              packed, flags   |   52   18   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
            out: 64 chains of 4 x 64 bytes
              split           |  581  130   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              split in order  |  581    4   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              packed          |  580   66   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              packed in order |  580    3   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              split, flags    |  581  131   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              packed, flags   |  580   66   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
            out: 64 tables of 4 x 64 bytes
              split           |  709  130   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              split in order  |  709    4   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              packed          |  708   66   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              packed in order |  708    3   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              split, flags    |  709  131   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
              packed, flags   |  708   66   2 |  1 | epoll_wait 2, poll 1, write 1, writev 1
            out: 16 times one of 64 bytes
              split           |  128   64  32 | 16 | epoll_wait 32, poll 16, write 16, writev 16
              split in order  |  128   64  32 | 16 | epoll_wait 32, poll 16, write 16, writev 16
              packed          |  112   48  32 | 16 | epoll_wait 32, poll 16, write 16, writev 16
              packed in order |  112   48  32 | 16 | epoll_wait 32, poll 16, write 16, writev 16
              split, flags    |  128   80  32 | 16 | epoll_wait 32, poll 16, write 16, writev 16
              packed, flags   |  112   48  32 | 16 | epoll_wait 32, poll 16, write 16, writev 16
            out: 64 shown one by one, no calls
              split           |  197  130   2 |  1 | epoll_wait 2, writev 1
              split in order  |  197    4   2 |  1 | epoll_wait 2, writev 1
              packed          |  196   66   2 |  1 | epoll_wait 2, writev 1
              packed in order |  196    3   2 |  1 | epoll_wait 2, writev 1
              split, flags    |  197  131   2 | 64 | epoll_wait 2, writev 1
              packed, flags   |  196   66   2 | 64 | epoll_wait 2, writev 1
            out: 48 of 2 KiB, 8 more, peer is slow
              split           |  176  115   3 |  1 | epoll_ctl 1, epoll_wait 5, poll 2, write 2, writev 2
              split in order  |  176    7   3 |  1 | epoll_ctl 1, epoll_wait 5, poll 2, write 2, writev 2
              packed          |  174   58   3 |  1 | epoll_ctl 1, epoll_wait 5, poll 2, write 2, writev 2
              packed in order |  174    4   3 |  1 | epoll_ctl 1, epoll_wait 5, poll 2, write 2, writev 2
              split, flags    |  176  116   3 |  1 | epoll_ctl 1, epoll_wait 5, poll 2, write 2, writev 2
              packed, flags   |  174   58   3 |  1 | epoll_ctl 1, epoll_wait 5, poll 2, write 2, writev 2
            in: 64 buffers filled at once
              split           |  194  129   1 |  0 | epoll_wait 2, poll 1, readv 2, write 1
              split in order  |  194  129   1 |  0 | epoll_wait 2, poll 1, readv 2, write 1
              packed          |  193   64   1 |  0 | epoll_wait 2, poll 1, readv 2, write 1
              packed in order |  193   64   1 |  0 | epoll_wait 2, poll 1, readv 2, write 1
              split, flags    |  194  129   1 |  0 | epoll_wait 2, poll 1, readv 2, write 1
              packed, flags   |  193   64   1 |  0 | epoll_wait 2, poll 1, readv 2, write 1
            in: 16 times 64 bytes
              split           |   64   48  16 |  0 | epoll_wait 32, poll 16, readv 32, write 16
              split in order  |   64   48  16 |  0 | epoll_wait 32, poll 16, readv 32, write 16
              packed          |   64   16  16 |  0 | epoll_wait 32, poll 16, readv 32, write 16
              packed in order |   64   16  16 |  0 | epoll_wait 32, poll 16, readv 32, write 16
              split, flags    |   64   48  16 |  0 | epoll_wait 32, poll 16, readv 32, write 16
              packed, flags   |   64   16  16 |  0 | epoll_wait 32, poll 16, readv 32, write 16
            out and in: 16 times 64 bytes
              split           |  192  112  48 | 16 | epoll_wait 64, poll 32, readv 32, write 32, writev 16
              split in order  |  192  112  48 | 16 | epoll_wait 64, poll 32, readv 32, write 32, writev 16
              packed          |  176   64  48 | 16 | epoll_wait 64, poll 32, readv 32, write 32, writev 16
              packed in order |  176   64  48 | 16 | epoll_wait 64, poll 32, readv 32, write 32, writev 16
              split, flags    |  192  128  48 | 16 | epoll_wait 64, poll 32, readv 32, write 32, writev 16
              packed, flags   |  176   64  48 | 16 | epoll_wait 64, poll 32, readv 32, write 32, writev 16
            """;

    private static final int ROUNDS = 100;
    private static final int ATTEMPTS = 20;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Test
    void shouldCostWhatTheTableSays(@TempDir Path directory) throws Exception {
        Object table = new CountingLoader()
                .loadClass(CostTable.class.getName())
                .getConstructor(Path.class)
                .newInstance(directory);
        String actual = String.valueOf(((Callable<?>) table).call());
        assertEquals(EXPECTED, actual, () -> "changed:\n" + changes(actual));
    }

    private static String changes(String actual) {
        List<String> expectedLines = EXPECTED.lines().toList();
        List<String> actualLines = actual.lines().toList();
        StringBuilder changes = new StringBuilder();
        String scenario = "";
        for (int i = 0; i < Math.min(expectedLines.size(), actualLines.size()); i++) {
            String line = actualLines.get(i);
            scenario = line.startsWith(" ") ? scenario : line;
            if (!line.equals(expectedLines.get(i))) {
                changes.append(scenario).append("\n-").append(expectedLines.get(i));
                changes.append("\n+").append(line).append('\n');
            }
        }
        return changes.toString();
    }

    /** The others are shown beside the device, see SerialAllocationTest. */
    static Stream<CostTable.Rings> rings() {
        return Stream.of(
                new CostTable.Rings(RingFormat.SPLIT, true), new CostTable.Rings(new RingFormat(true, true), true));
    }

    @ParameterizedTest
    @MethodSource("rings")
    void shouldAllocateNothing(CostTable.Rings rings, @TempDir Path directory) throws Exception {
        Map<CostScenario, Long> garbage = new EnumMap<>(CostScenario.class);
        try (CostRig rig = rings.open(directory)) {
            for (CostScenario scenario : CostScenario.values()) {
                long bytes = allocatedBytes(scenario, rig);
                if (bytes > 0) {
                    garbage.put(scenario, bytes);
                }
            }
        }
        assertEquals(Map.of(), garbage, "bytes in " + ROUNDS + " rounds");
    }

    /** The least of several attempts: what the compiler does in between is not ours. */
    private long allocatedBytes(CostScenario scenario, CostRig rig) throws IOException {
        long least = Long.MAX_VALUE;
        for (int attempt = 0; attempt < ATTEMPTS && least > 0; attempt++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < ROUNDS; i++) {
                scenario.run(rig);
            }
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        return least;
    }
}
