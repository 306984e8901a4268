package org.vportd.vhostuser.frontend;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;

/** Counts all scenarios with all rings; made by a {@link CountingLoader}. */
public final class CostTable implements Callable<String> {
    /** So that what is only learnt with time has been learnt, and rings of any format have gone round. */
    private static final int ROUNDS_BEFORE = 16;

    private static final String HEADER = " ".repeat(17) + " | loads stores fences | kicks | system calls\n";

    private final Path directory;

    /** Makes one that puts its sockets into a folder. */
    public CostTable(Path directory) {
        this.directory = directory;
    }

    /** What rings are like, and how notifications are suppressed. */
    record Rings(RingFormat format, boolean eventIdx) {
        static final Rings[] ALL = {
            new Rings(RingFormat.SPLIT, true),
            new Rings(new RingFormat(false, true), true),
            new Rings(new RingFormat(true, false), true),
            new Rings(new RingFormat(true, true), true),
            new Rings(RingFormat.SPLIT, false),
            new Rings(new RingFormat(true, false), false),
        };

        CostRig open(Path directory) throws Exception {
            return new CostRig(Files.createTempDirectory(directory, "r"), format, eventIdx);
        }

        @Override
        public String toString() {
            return format.toString().replace(" rings", "") + (eventIdx ? "" : ", flags");
        }
    }

    @Override
    public String call() throws Exception {
        CostRig[] rigs = new CostRig[Rings.ALL.length];
        try {
            for (int i = 0; i < rigs.length; i++) {
                rigs[i] = Rings.ALL[i].open(directory);
            }
            StringBuilder table = new StringBuilder(HEADER);
            for (CostScenario scenario : CostScenario.values()) {
                table.append(scenario).append('\n');
                for (int i = 0; i < rigs.length; i++) {
                    table.append(row(Rings.ALL[i], scenario, rigs[i])).append('\n');
                }
            }
            return table.toString();
        } finally {
            for (CostRig rig : rigs) {
                if (rig != null) {
                    rig.close();
                }
            }
        }
    }

    private static String row(Rings rings, CostScenario scenario, CostRig rig) throws Exception {
        for (int i = 0; i < ROUNDS_BEFORE; i++) {
            scenario.run(rig);
        }
        Tally.clear();
        long kicksBefore = rig.kicks();
        scenario.run(rig);
        return String.format(
                Locale.ROOT,
                "  %-15s | %5d %6d %6d | %5d | %s",
                rings,
                Tally.take(CountingLoader.LOADS),
                Tally.take(CountingLoader.STORES),
                Tally.take(CountingLoader.FENCES),
                rig.kicks() - kicksBefore,
                Tally.rest());
    }
}
