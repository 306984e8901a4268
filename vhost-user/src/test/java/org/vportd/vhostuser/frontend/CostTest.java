package org.vportd.vhostuser.frontend;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What moving buffers costs, counted instead of timed: it is the same on any machine, and a change that makes the way of a
 * byte longer shows at once, whatever else the machine does.
 *
 * <p>What it may cost is in cost.txt, for each scenario and kind of ring: accesses of the device to the driver's memory
 * (loads, stores, full fences; not the data, which the kernel moves), the kicks that the driver had to make, and the system
 * calls of the daemon. Of these, "write" is a call of the driver, "poll" the look whether its eventfd has room for one, and
 * one "epoll_wait" of those after each kick or message is the one in which the daemon would go to sleep. "Flags" are rings
 * without EVENT_IDX. Each run leaves what it counted in target/cost.txt: if it has become less on purpose, that replaces the
 * other.
 */
class CostTest {
    private static final String TABLE = "cost.txt";
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
        Files.writeString(Path.of("target", TABLE), actual);
        String expected = expected();
        assertEquals(expected, actual, () -> "changed:\n" + changes(expected, actual));
    }

    private static String expected() throws IOException {
        try (InputStream in = Objects.requireNonNull(CostTest.class.getResourceAsStream(TABLE))) {
            return new String(in.readAllBytes(), UTF_8);
        }
    }

    private static String changes(String expected, String actual) {
        List<String> expectedLines = expected.lines().toList();
        List<String> actualLines = actual.lines().toList();
        StringBuilder changes = new StringBuilder();
        String scenario = "";
        for (int i = 0; i < Math.min(expectedLines.size(), actualLines.size()); i++) {
            String line = actualLines.get(i);
            scenario = line.startsWith(" ") ? scenario : line + '\n';
            if (!line.equals(expectedLines.get(i))) {
                changes.append(scenario).append('-').append(expectedLines.get(i));
                changes.append("\n+").append(line).append('\n');
                scenario = "";
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
