package org.vportd.chardev.console;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.HandoverRig;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.WindowSize;

/** A console goes on in another process: whatever comes after looks as it would have without. */
class VcHandoverTest {
    private static final String OPTIONS = ",cols=20,rows=6,scrollback=50";

    private HandoverRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new HandoverRig();
    }

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    private static String utf8(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }

    /** Writes both parts to one console before the handover, and to another one with the handover in between. */
    private void assertSame(String before, String after) throws Exception {
        RecordingHandler whole = rig.front("vc,id=w" + OPTIONS);
        RecordingHandler parts = rig.front("vc,id=p" + OPTIONS);
        whole.write(utf8("\033[2J\033[H" + before + after));
        parts.write(utf8("\033[2J\033[H" + before));
        rig.handOver();
        RecordingHandler next = rig.frontOfNext("p").grant(1000);
        next.write(utf8(after));
        VcChardev expected = (VcChardev) rig.goneOn("w");
        VcChardev actual = (VcChardev) rig.goneOn("p");
        assertEquals(expected.screen(), actual.screen());
        assertEquals(expected.historySize(), actual.historySize());
        assertEquals(tail(expected), tail(actual));
        for (int row = 0; row < 6; row++) {
            for (int column = 0; column < 20; column++) {
                assertEquals(expected.cell(row, column), actual.cell(row, column), row + "," + column);
            }
        }
    }

    /** The oldest line is the title, in which the ids differ. */
    private static List<String> tail(VcChardev console) {
        return console.history(console.historySize()).stream()
                .filter(line -> !line.contains("console"))
                .toList();
    }

    @Test
    void shouldKeepScreenHistoryColoursAndWideCharacters() throws Exception {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 80; i++) {
            text.append("\033[3")
                    .append(i % 8)
                    .append(";1mline ")
                    .append(i)
                    .append("\033[48;2;1;2;3m\u6f22 \u00e9\033[0m\r\n");
        }
        assertSame(text + "\033[31;44mred", "still red\r\nmore");
    }

    @Test
    void shouldKeepModesMarginsTabsAndCursors() throws Exception {
        assertSame(
                "\033[3g\033[5G\033H\033[2;4r\033[?6h\033[4h\033[20h\033[?25l\033[?1h\033)0\016\033[2;3Hq\0337",
                "\033[H\tx\nlq\n\n\nend\0338y\033[?7l" + "z".repeat(30));
    }

    @Test
    void shouldKeepBothScreens() throws Exception {
        assertSame("main\033[?1049halternate\033[3;3H", "x\0337\033[?1049l back");
    }

    @Test
    void shouldGoOnInTheMiddleOfASequence() throws Exception {
        assertSame("\033[1;38;2;10", ";20;30mrgb");
    }

    @Test
    void shouldGoOnInTheMiddleOfATitleAndAWrap() throws Exception {
        assertSame("12345678901234567890\033]0;tit", "le\007next");
    }

    @Test
    void shouldGoOnInTheMiddleOfACharacterAndKeepWhatWasTyped() throws Exception {
        RecordingHandler front = rig.front("vc,id=c" + OPTIONS);
        VcChardev console = (VcChardev) Objects.requireNonNull(rig.before().find("c"));
        front.write(utf8("\r\u6f22").substring(0, 3));
        console.type("typed ahead");
        front.grant(5);
        rig.loop().until("input", () -> front.text().equals("typed"));
        rig.handOver();
        RecordingHandler next = rig.frontOfNext("c").grant(100);
        next.write(utf8("\u6f22").substring(2));
        rig.until("input", () -> next.text().equals(" ahead"));
        VcChardev nextConsole = (VcChardev) rig.goneOn("c");
        assertEquals("\u6f22", nextConsole.screen().lines().get(1));
        assertEquals("c console", nextConsole.screen().lines().get(0));
        assertEquals(List.of(new WindowSize(20, 6)), next.sizes());
    }
}
