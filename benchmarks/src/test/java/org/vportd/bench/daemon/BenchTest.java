package org.vportd.bench.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class BenchTest {
    @Test
    void shouldKeepTheDaemonsFlagsAndReplaceItsClassPath() {
        List<String> command = Bench.plainJava(List.of(
                "/jdk/bin/java",
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-cp",
                "/lib/vportd.jar",
                "-XX:SharedArchiveFile=/lib/vportd.jsa",
                "-Xshare:auto",
                "org.vportd.daemon.Main",
                "-cp",
                "not a flag"));
        assertEquals(
                List.of(
                        "/jdk/bin/java",
                        "-Xmx128m",
                        "-XX:+UseSerialGC",
                        "-Xshare:auto",
                        "-cp",
                        System.getProperty("java.class.path")),
                command);
    }

    @Test
    void shouldTakeMedianAndSpreadOfTheRatiosOfTurns() {
        Ratio ratio = Ratio.of(List.of(1.0, 9.0, 2.0), List.of(1.0, 3.0, 4.0), Double::doubleValue);
        assertEquals(new Ratio(1.0, 0.5, 3.0), ratio);
        assertEquals(2.5, Ratio.of(List.of(4.0, 1.0, 3.0, 2.0)).median());
    }
}
