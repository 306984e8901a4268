package org.vportd.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class StderrLoggerTest {
    private static String logged(String message) {
        PrintStream before = System.err;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setErr(new PrintStream(bytes, true, UTF_8));
        try {
            new StderrLoggerFinder()
                    .getLogger("test", StderrLoggerTest.class.getModule())
                    .log(System.Logger.Level.ERROR, message);
        } finally {
            System.setErr(before);
        }
        return bytes.toString(UTF_8);
    }

    @Test
    @DisplayName("SEC-98 G4 control characters reach no terminal, and one message is one line")
    void controlCharactersAreEscaped() {
        assertEquals(
                "vportd: error: a\\x1b[2J\\x0avportd: error: b\\x07\\x9b1m\\x7f\u00e9\u4e2d\n",
                logged("a\u001b[2J\nvportd: error: b\u0007\u009b1m\u007f\u00e9\u4e2d"));
    }
}
