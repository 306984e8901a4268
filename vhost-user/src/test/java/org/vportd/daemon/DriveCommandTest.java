package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DriveCommandTest {
    private static final int USAGE = 2;
    private static final int FAILED = 1;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "drive tx",
                "drive nonsense --socket-path=/x",
                "drive tx --socket-path=/x --block=0",
                "drive tx --socket-path=/x --queue-size=100",
                "drive tx --socket-path=/x --depth=1000",
                "drive tx --socket-path=/x --manner=windows"
            })
    void shouldExitWithUsageErrorWhenOptionsAreWrong(String line) {
        assertEquals(USAGE, Main.run(line.split(" ", -1)));
    }

    @Test
    void shouldExitWithFailureWhenNobodyListens() {
        String path = "--socket-path=" + directory.resolve("nobody");
        assertEquals(FAILED, Main.run("drive", "TX", path));
        assertEquals(FAILED, Main.run("drive", "check", path));
    }
}
