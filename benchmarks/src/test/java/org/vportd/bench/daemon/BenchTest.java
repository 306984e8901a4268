package org.vportd.bench.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vportd.bench.BenchMain;

class BenchTest {
    private static List<String> expected(String... flags) throws Exception {
        List<String> command = new ArrayList<>(List.of("/jdk/bin/java"));
        command.addAll(List.of(flags));
        command.addAll(List.of(BenchMain.jvmFlags().split(" ", -1)));
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        return command;
    }

    @Test
    void shouldKeepTheDaemonsFlagsAndReplaceItsJar() throws Exception {
        assertEquals(
                expected("-Xmx128m", "-XX:+UseSerialGC"),
                Bench.plainJava(List.of(
                        "/jdk/bin/java",
                        "-Xmx128m",
                        "-XX:+UseSerialGC",
                        "-XX:SharedArchiveFile=/lib/vportd.jsa",
                        "-jar",
                        "/lib/vportd.jar",
                        "--socket-path=/s")));
    }

    @Test
    void shouldKeepTheDaemonsFlagsAndReplaceItsClassPath() throws Exception {
        assertEquals(
                expected("-Xmx128m", "-Xshare:auto"),
                Bench.plainJava(List.of(
                        "/jdk/bin/java",
                        "-Xmx128m",
                        "-cp",
                        "/lib/vportd.jar",
                        "-Xshare:auto",
                        "org.vportd.daemon.Main",
                        "-not-a-flag")));
    }

    @Test
    void shouldTakeMedianAndSpreadOfTheRatiosOfTurns() {
        Ratio ratio = Ratio.of(List.of(1.0, 9.0, 2.0), List.of(1.0, 3.0, 4.0), Double::doubleValue);
        assertEquals(new Ratio(1.0, 0.5, 3.0), ratio);
        assertEquals(2.5, Ratio.of(List.of(4.0, 1.0, 3.0, 2.0)).median());
    }
}
