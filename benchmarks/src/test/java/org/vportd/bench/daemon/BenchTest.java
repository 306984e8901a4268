package org.vportd.bench.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class BenchTest {
    @Test
    void shouldKeepTheDaemonsFlagsAndReplaceItsClassPath() {
        List<String> command = Bench.plainJava(List.of(
                "/jdk/bin/java",
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:SharedArchiveFile=/lib/vportd-17.jsa",
                "-Xlog:disable",
                "-jar",
                "/lib/vportd.jar",
                "--poll=50"));
        assertEquals(List.of("/jdk/bin/java", "-Xmx128m", "-XX:+UseSerialGC", "-Xlog:disable"), command.subList(0, 4));
        assertEquals(
                List.of("-cp", System.getProperty("java.class.path")),
                command.subList(command.size() - 2, command.size()));
        assertTrue(
                command.contains("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED"),
                "what the jar's manifest says");
    }

    @Test
    void shouldTakeMedianAndSpreadOfTheRatiosOfTurns() {
        Ratio ratio = Ratio.of(List.of(1.0, 9.0, 2.0), List.of(1.0, 3.0, 4.0), Double::doubleValue);
        assertEquals(new Ratio(1.0, 0.5, 3.0), ratio);
        assertEquals(2.5, Ratio.of(List.of(4.0, 1.0, 3.0, 2.0)).median());
    }
}
