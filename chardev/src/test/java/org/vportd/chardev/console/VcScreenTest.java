package org.vportd.chardev.console;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;

/** Bytes in, screen out. */
class VcScreenTest {
    private static final int COLUMNS = 10;
    private static final int ROWS = 5;

    /** Name, output with {@code ^} for ESC, the lines expected, and where the cursor is. */
    @SuppressWarnings("unused")
    static final List<Arguments> SEQUENCES = List.of(
            of("plain text", "ab\r\ncd", "ab|cd", 1, 2),
            of("LF keeps the column", "ab\ncd", "ab|  cd", 1, 4),
            of("LF in new line mode", "^[20hab\ncd", "ab|cd", 1, 2),
            of("backspace stops at the margin", "ab\b\b\bX", "Xb", 0, 1),
            of("wrap waits for the next character", "0123456789", "0123456789", 0, 9),
            of("wrap", "0123456789a", "0123456789|a", 1, 1),
            of("CR takes a waiting wrap back", "0123456789\rX", "X123456789", 0, 1),
            of("no wrap", "^[?7l0123456789abc", "012345678c", 0, 9),
            of("no wrap, a character at a time", "^[?7l012345678\u00e9\u00e8", "012345678\u00e8", 0, 9),
            of("scrolling", "1\r\n2\r\n3\r\n4\r\n5\r\n6", "2|3|4|5|6", 4, 1),
            of("tab", "\tx\ty", "        xy", 0, 9),
            of("own tab stops", "^[3g^[4G^H^[9G^H\r\tx\ty^[4G^[g\r\tz", "   x    z", 0, 9),
            of("back tab", "0123456789^[10G^[ZX", "01234567X9", 0, 9),
            of("CUP", "^[2;3Hx^[;5Hy^[4Hz", "    y|  x||z", 3, 1),
            of("CUP is clamped", "^[999;999Hx^[0;0Hy", "y||||         x", 0, 1),
            of("relative moves", "^[3;3H^[Aa^[2Bb^[2Dc^[5Cd", "|  a||  cb    d", 3, 10 - 1),
            of("CNL, CPL, CHA, VPA", "abc^[Ed^[2Ef^[2Fg^[5Gh^[4di", "abc|g   h||f    i", 3, 6),
            of("HPR and VPR", "^[3a^[2ex", "||   x", 2, 4),
            of("ED 0", "aaa\r\nbbb\r\nccc^[2;2H^[J", "aaa|b", 1, 1),
            of("ED 1", "aaa\r\nbbb\r\nccc^[2;2H^[1J", "|  b|ccc", 1, 1),
            of("ED 2", "aaa\r\nbbb^[2J", "", 1, 3),
            of("EL 0, 1, 2", "aaa\r\nbbb\r\nccc^[2G^[2K^[1;2H^[K^[2;2H^[1K", "a|  b", 1, 1),
            of("ICH", "abcdef^[3G^[2@", "ab  cdef", 0, 2),
            of("DCH", "abcdef^[3G^[2P", "abef", 0, 2),
            of("ECH", "abcdef^[3G^[2X", "ab  ef", 0, 2),
            of("huge counts", "abcdef^[3G^[99999@^[99999P^[99999X^[99999999999999999999C", "ab", 0, 9),
            of("IL and DL", "1\r\n2\r\n3\r\n4\r\n5^[2;2H^[L", "1||2|3|4", 1, 0),
            of("DL", "1\r\n2\r\n3\r\n4\r\n5^[2;2H^[2M", "1|4|5", 1, 0),
            of("IL within margins", "1\r\n2\r\n3\r\n4\r\n5^[2;4r^[3H^[L", "1|2||3|5", 2, 0),
            of("IL outside of margins", "1\r\n2^[2;4r^[L", "1|2", 0, 0),
            of("scroll region", "1\r\n2\r\n3\r\n4\r\n5^[2;4r^[4H\nx", "1|3|4|x|5", 3, 1),
            of("reverse index at the margin", "1\r\n2\r\n3\r\n4\r\n5^[2;4r^[2H^Mx", "1|x|2|3|5", 1, 1),
            of("below the margins nothing scrolls", "1^[1;3r^[5Hx\n\ny", "1||||xy", 4, 2),
            of("SU and SD", "1\r\n2\r\n3\r\n4\r\n5^[2S^[T", "|3|4|5", 4, 1),
            of("bad margins", "^[2Hx^[4;4r^[5;2ry", "|xy", 1, 2),
            of("origin mode", "^[2;4r^[?6hx^[2;2Hy^[99Hz", "|x| y|z", 3, 1),
            of("insert mode", "abc\r^[4hXY^[4lZ", "XYZbc", 0, 3),
            of("save and restore", "ab^7^[3;3Hcd^8e", "abe||  cd", 0, 3),
            of("CSI s and u", "ab^[sxx^[ue", "abex", 0, 3),
            of("alternate screen", "main^[?1049h^[Halt^[?1049lX", "mainX", 0, 5),
            of("alternate screen itself", "main^[?1049h^[Halt", "alt", 0, 3),
            of("NEL and IND", "ab^Ecd^Def", "ab|cd|  ef", 2, 4),
            of("line drawing", "^(0lqk\r\nx x^(BlqK", "\u250c\u2500\u2510|\u2502 \u2502lqK", 1, 6),
            of("shift out and in", "^)0a\u000eq\u000fq", "a\u2500q", 0, 3),
            of("repeat", "ab^[3bc", "abbbbc", 0, 6),
            of("nothing to repeat", "^[9bx^c^[9b", "", 0, 0),
            of("alignment", "^#8^[2J", "", 0, 0),
            of("DECALN", "^#8", "EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE", 0, 0),
            of("UTF-8", "\u00e4\u20ac\ud83d\ude00x", "\u00e4\u20ac\ud83d\ude00x", 0, 5),
            of("wide characters", "\u4f60\u597d", "\u4f60\u597d", 0, 4),
            of("wide character at the margin", "012345678\u4f60", "012345678|\u4f60", 1, 2),
            of("wide character without wrap", "^[?7l012345678\u4f60", "01234567\u4f60", 0, 9),
            of("half of a wide one overwritten", "\u4f60\u597d^[2Gx", " x\u597d", 0, 2),
            of("its left half overwritten", "\u4f60\u597d^[3Gx", "\u4f60x", 0, 3),
            of("a wide one cut by insertion", "01234567\u4f60^[1G^[@", " 01234567", 0, 0),
            of("a wide one cut by deletion", "\u4f60\u597d^[2G^[P", " \u597d", 0, 1),
            of("combining mark", "e\u0301o\u0308\u0301x", "\u00e9\u00f6x", 0, 3),
            of("RIS", "^[31mabc^[2;3r^[?7l^c0123456789a", "0123456789|a", 1, 1),
            of("soft reset", "^[2;3r^[?6h^[4h^[!p^[Hab\rc", "cb", 0, 1),
            of("title and other strings", "a^]0;title\u0007b^P1$r^\\c^_x^\\d^^y\u0018e", "abcde", 0, 5),
            of("a control within a sequence", "ab^[\b2Cx", "ab x", 0, 4),
            of("CAN ends a sequence", "^[12\u0018x", "x", 0, 1),
            of("unknown ones are skipped", "^[>4;1m^[?2004h^[1;2;3z^[=5h^[ q^%G^=a^[1$}b", "ab", 0, 2),
            of("malformed ones are skipped", "^[1?2hx^[1 2Ay", "xy", 0, 2),
            of("text ends a sequence", "^[12\u00e4", "\u00e4", 0, 1));

    private static Arguments of(String name, String output, String lines, int row, int column) {
        return Arguments.of(name, output, lines, row, column);
    }

    private final List<String> answers = new ArrayList<>();

    private static byte[] bytes(String output) {
        return output.replace('^', '\033').replace("\033\033", "\033^").getBytes(StandardCharsets.UTF_8);
    }

    private Screen screen(byte[] output, int portion) {
        Screen screen = new Screen(COLUMNS, ROWS, 20);
        EscapeParser parser = new EscapeParser(
                screen,
                new ControlFunctions(screen, answer -> answers.add(new String(answer, StandardCharsets.US_ASCII))));
        for (int i = 0; i < output.length; i += portion) {
            parser.feed(output, i, Math.min(output.length, i + portion));
        }
        return screen;
    }

    private Screen screen(String output) {
        byte[] bytes = bytes(output);
        return screen(bytes, bytes.length);
    }

    private static String lines(ScreenView view) {
        return String.join("|", view.lines()).replaceAll("\\|*$", "");
    }

    @ParameterizedTest(name = "{0}")
    @FieldSource("SEQUENCES")
    @DisplayName("CD-4.14 vc understands what a Linux console, readline, top and vi send")
    void shouldShow(String name, String output, String lines, int row, int column) {
        for (int portion : new int[] {1, 1000}) {
            ScreenView view = screen(bytes(output), portion).view();
            assertAll(
                    name + " portion=" + portion,
                    () -> assertEquals(lines, lines(view)),
                    () -> assertEquals(row + "," + column, view.cursorRow() + "," + view.cursorColumn()));
        }
    }

    @Test
    @DisplayName("CD-4.14 vc shows invalid UTF-8 as U+FFFD, one for each part that cannot go on")
    void shouldReplaceInvalidBytes() {
        byte[] output = {
            (byte) 0xff,
            'a',
            (byte) 0xc3,
            'b',
            (byte) 0xe2,
            (byte) 0x82,
            'c',
            (byte) 0xc0,
            (byte) 0x80,
            (byte) 0xed,
            (byte) 0xa0,
            (byte) 0xf0
        };
        String text = screen(output, 1).view().lines().get(0)
                + screen(output, 1).view().lines().get(1);
        assertEquals("\ufffda\ufffdb\ufffdc\ufffd\ufffd\ufffd\ufffd", text);
    }

    @Test
    @DisplayName("CD-4.14 vc keeps colours and styles for each cell")
    void shouldKeepRenditions() {
        Screen screen =
                screen("^[1;4;31;42ma^[22;39mb^[0;38;5;200;7mc^[38;2;1;2;3;49md^[48:2::4:5:6me^[97;100;4:0mf^[mg");

        assertEquals(new Cell('a', 1, 2, EnumSet.of(Style.BOLD, Style.UNDERLINED)), screen.cell(0, 0));
        assertEquals(new Cell('b', Cell.DEFAULT_COLOR, 2, Set.of(Style.UNDERLINED)), screen.cell(0, 1));
        assertEquals(new Cell('c', 200, Cell.DEFAULT_COLOR, Set.of(Style.REVERSED)), screen.cell(0, 2));
        assertEquals(new Cell('d', Cell.RGB | 0x010203, Cell.DEFAULT_COLOR, Set.of(Style.REVERSED)), screen.cell(0, 3));
        assertEquals(
                new Cell('e', Cell.RGB | 0x010203, Cell.RGB | 0x040506, Set.of(Style.REVERSED)), screen.cell(0, 4));
        assertEquals(new Cell('f', 15, 8, Set.of(Style.REVERSED)), screen.cell(0, 5));
        assertEquals(new Cell('g', Cell.DEFAULT_COLOR, Cell.DEFAULT_COLOR, Set.of()), screen.cell(0, 6));
    }

    @Test
    void shouldEraseWithBackgroundAlone() {
        Screen screen = screen("^[1;7;31;44m^[2J");
        assertEquals(new Cell(' ', Cell.DEFAULT_COLOR, 4, Set.of()), screen.cell(2, 2));
    }

    @Test
    @DisplayName("CD-4.14 vc answers ESC[5n, ESC[6n and questions for its kind and size")
    void shouldAnswer() {
        screen("^[5n^[3;4H^[6n^[?6n^[c^[>c^Z^[18t^[2;4r^[?6h^[2;2H^[6n^[7n^[1c");
        assertEquals(
                List.of(
                        "\033[0n",
                        "\033[3;4R",
                        "\033[?3;4R",
                        "\033[?6c",
                        "\033[>0;1;0c",
                        "\033[?6c",
                        "\033[8;5;10t",
                        "\033[2;2R"),
                answers);
    }

    @Test
    @DisplayName(
            "CD-4.14 vc keeps the lines that leave at the top, the newest of them, and none of full-screen programs")
    void shouldKeepHistory() {
        StringBuilder output = new StringBuilder();
        for (int i = 0; i < 100; i++) {
            output.append("line ").append(i).append("\r\n");
        }
        Screen screen = screen(output + "^[?1049h" + output + "^[?1049l");

        assertEquals(20, screen.historySize());
        assertEquals(List.of("line 94", "line 95"), screen.history(2));
        assertEquals("line 76", screen.history(1000).get(0));
        assertEquals("line 96|line 97|line 98|line 99", lines(screen.view()));
        assertEquals(0, screen(output + "^[3J").historySize());
        assertEquals(List.of(), screen("^[2;4r" + output).history(10), "lines within margins do not leave the screen");
    }

    @Test
    void shouldTellModes() {
        ScreenView view = screen("^[?25l^[?1h^[?1049h").view();
        assertFalse(view.cursorVisible());
        assertTrue(view.applicationCursorKeys());
        assertTrue(view.alternate());
        assertEquals("a\n\nb\n", screen("a\n\n\rb").view().text());
    }

    @Test
    @DisplayName("CD-4.14 vc: no output makes it fail, leaves the cursor outside or costs memory")
    void shouldSurviveAnyOutput() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 300; round++) {
            int columns = 1 + random.nextInt(12);
            int rows = 1 + random.nextInt(6);
            Screen screen = new Screen(columns, rows, 3);
            EscapeParser parser = new EscapeParser(
                    screen,
                    new ControlFunctions(screen, answer -> assertTrue(answer.length < 40, () -> "seed=" + seed)));
            for (int i = 0; i < 20; i++) {
                byte[] output = hostile(random);
                try {
                    parser.feed(output, 0, output.length);
                    check(screen, columns, rows);
                } catch (RuntimeException | AssertionError e) {
                    throw new AssertionError("seed=" + seed + " round=" + round, e);
                }
            }
        }
    }

    private static void check(Screen screen, int columns, int rows) {
        ScreenView view = screen.view();
        assertTrue(view.cursorColumn() >= 0 && view.cursorColumn() < columns);
        assertTrue(view.cursorRow() >= 0 && view.cursorRow() < rows);
        assertTrue(screen.historySize() <= 3);
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                int character = screen.cell(row, column).codePoint();
                boolean wide = character >= 0 && CharacterWidth.of(character) == 2;
                boolean tailFollows =
                        column + 1 < columns && screen.cell(row, column + 1).codePoint() == Cell.WIDE_TAIL;
                assertEquals(wide, tailFollows, "halves of a wide character belong together");
            }
        }
    }

    /** Pieces of sequences, wide and broken characters, and pure noise. */
    private static byte[] hostile(Random random) {
        String[] pieces = {
            "\033",
            "\033[",
            ";",
            ":",
            "?",
            "99999",
            "1",
            "2",
            "4",
            "7",
            "1049",
            "6",
            "0",
            "m",
            "H",
            "r",
            "h",
            "l",
            "@",
            "P",
            "L",
            "M",
            "X",
            "J",
            "K",
            "S",
            "T",
            "b",
            "A",
            "B",
            "C",
            "D",
            "\n",
            "\r",
            "\b",
            "\t",
            "text",
            "\u4f60",
            "\u0301",
            "\ud83d\ude00",
            "\033(0",
            "\033(B",
            "\0337",
            "\0338",
            "\033M",
            "\033c",
            "\033]",
            "\033#8",
            "\033[4h",
            "\033[?7l",
            "\033[?7h",
            "\033[?1049h",
            "\033[?1049l",
            "\033[2;3r",
            "\033[r",
            "\033[?6h",
            "Z",
            "I",
            "d",
            "g"
        };
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(60); i >= 0; i--) {
            text.append(pieces[random.nextInt(pieces.length)]);
        }
        byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        for (int i = random.nextInt(8); i > 0; i--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        return bytes;
    }
}
