package org.vportd.monitor.line;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.monitor.line.LineEditor.Entry;

class LineEditorTest {
    private static final List<String> WORDS =
            List.of("chardev-add", "chardev-change", "help", "info", "größe=", "größer");

    private final Screen screen = new Screen();
    private final List<Entry> entries = new ArrayList<>();
    private LineEditor editor = new LineEditor("> ", LineEditorTest::complete);

    private static Completion complete(String text) {
        int start = text.lastIndexOf(' ') + 1;
        return Completion.of(text, start, WORDS);
    }

    /** Sends keys in one part, as {@code ^A} for Ctrl-A and {@code ~} for escape, and brings the screen up to date. */
    private void type(String keys) {
        feed(keys.getBytes(UTF_8));
        editor.show();
        screen.print(editor.takeOutput());
    }

    private void feed(byte[] bytes) {
        for (byte b : bytes) {
            @Nullable Entry entry = editor.accept(b);
            if (entry != null) {
                entries.add(entry);
            }
        }
    }

    private static String keys(String notation) {
        StringBuilder keys = new StringBuilder();
        for (int i = 0; i < notation.length(); i++) {
            char c = notation.charAt(i);
            if (c == '^') {
                char letter = notation.charAt(++i);
                keys.append(letter == '?' ? (char) 0x7f : (char) (letter & 0x1f));
            } else {
                keys.append(c);
            }
        }
        return keys.toString();
    }

    @ParameterizedTest(name = "{0} -> {1}")
    @CsvSource(delimiter = '%', quoteCharacter = '"', textBlock = """
            info                        % > info|
            info^H                      % > inf|
            info^?^?                    % > in|
            ^?^H                        % > |
            info^A                      % > |info
            info^A^D                    % > |nfo
            info^D                      % > info|
            info^Aqemu                  % > qemu|info
            info^A^F^F^Bx               % > ix|nfo
            info^B^B^E^E!               % > info!|
            info chardev^B^B^K          % > info chard|
            info chardev^B^B^U          % > |ev
            info chardev^W              % > info |
            info chardev  ^W            % > info |
            info chardev^W^W^W          % > |
            info^[[D^[[Dx               % > inx|fo
            info^[[A                    % > info|
            info^[OD^[ODx               % > inx|fo
            info^[[2D                   % > inf|o
            info^[[H^[[C^[[3~           % > i|fo
            info^[[1~a^[[4~b            % > ainfob|
            info^[[7~a^[[8~b            % > ainfob|
            info^[OHa^[OFb              % > ainfob|
            a bc d^[b^[bx               % > a x|bc d
            a bc d^A^[f^[fx             % > a bcx| d
            a bc d^[[1;5D^[[1;5D        % > a |bc d
            a bc d^A^[d                 % > | bc d
            in^[[20~fo^[[15;2~          % > info|
            in^[xfo^[^[[Dz              % > infz|o
            in^[[3^Cab                  % > ab|
            info^C                      % > |
            info^Lx                     % > infox|
            in^@fo^R^S^Z                % > info|
            hel^I                       % > help |
            gr^I                        % > größe|
            größe=^I                    % > größe=|
            xx^I                        % > xx|
            inf hel^A^[f^I              % > info | hel
            """)
    void keysChangeTheLineAndTheScreenShowsIt(String notation, String shown) {
        type(keys(notation));

        assertEquals(shown, screen.line());
        assertEquals(shown.substring(2).replace("|", ""), editor.text());
    }

    @Test
    void sequencesAndCharactersMayComeInParts() {
        for (byte b : "aé€😀\033[D\033[3~".getBytes(UTF_8)) {
            feed(new byte[] {b});
            editor.show();
            screen.print(editor.takeOutput());
        }

        assertEquals("> aé€|", screen.line());
    }

    @ParameterizedTest
    @CsvSource({"C3", "C328", "E282", "ED A0 80", "F4 90 80 80", "C0 AF", "80", "FF", "C2 85"})
    void whatIsNotUtf8IsLeftOut(String hex) {
        byte[] broken = new byte[hex.replace(" ", "").length() / 2];
        for (int i = 0; i < broken.length; i++) {
            broken[i] = (byte) Integer.parseInt(hex.replace(" ", "").substring(2 * i, 2 * i + 2), 16);
        }
        feed(new byte[] {'a'});
        feed(broken);
        type("b");

        assertEquals(hex.equals("C328") ? "a(b" : "ab", editor.text());
    }

    @Test
    void wideCharactersAndAccentsAreMovedOverAsAWhole() {
        type("世界e\u0301x");
        assertEquals("> 世界e\u0301x|", screen.line());

        type(keys("^B^B^By"));
        assertEquals("> 世界y|e\u0301x", screen.line());

        type(keys("^H^H"));
        assertEquals("> 世|e\u0301x", screen.line());
        assertEquals(1, editor.cursor());
    }

    @ParameterizedTest
    @CsvSource({"a\\nb\\n", "a\\rb\\r", "a\\r\\nb\\r\\n", "a\\r\\0b\\r\\0", "a\\nb\\r"})
    void anyLineEndEndsALineOnce(String lines) {
        feed(lines.replace("\\n", "\n")
                .replace("\\r", "\r")
                .replace("\\0", "\0")
                .getBytes(UTF_8));

        assertEquals(List.of(new Entry("a", false), new Entry("b", false)), entries);
    }

    @Test
    void wholeLinesAreEchoedAsTheyAre() {
        feed("info chardev\nquit\n".getBytes(UTF_8));
        editor.show();

        assertEquals("> info chardev\r\n> quit\r\n> ", new String(editor.takeOutput(), UTF_8));
    }

    @Test
    void enterTakesTheWholeLineWhereverTheCursorIs() {
        type(keys("info^A^[[Cx"));
        type("\n");

        assertEquals(List.of(new Entry("ixnfo", false)), entries);
        assertEquals(List.of("> ixnfo", ">"), screen.rows());
    }

    @Test
    void aLoneEscapeDoesNotSwallowTheEndOfALine() {
        feed("a\033\nb\033[1\nc\033O\n".getBytes(UTF_8));

        assertEquals(List.of("a", "b", "c"), entries.stream().map(Entry::text).toList());
    }

    @Test
    void historyGoesBackAndForthAndKeepsTheUnfinishedLine() {
        type("one\ntwo\n\n  \none\nthr");

        type(keys("^P"));
        assertEquals("> one|", screen.line());
        type("\033[A");
        assertEquals("> two|", screen.line());
        type("\033[A");
        assertEquals("> two|", screen.line(), "there is nothing before it: the line was moved, not repeated");
        type(keys("x^N"));
        assertEquals("> one|", screen.line());
        type("\033[B\033[B");
        assertEquals("> thr|", screen.line());
    }

    @Test
    void historyIsBounded() {
        for (int i = 0; i < 1000; i++) {
            feed(("line " + i + "\n").getBytes(UTF_8));
        }
        type(keys("^P".repeat(1000)));

        assertEquals("line " + (1000 - LineHistory.CAPACITY), editor.text());
        assertTrue(LineHistory.CAPACITY >= 64);
    }

    @Test
    void candidatesAreListedIfTheyHaveNoMoreInCommon() {
        type(keys("ch^I"));
        assertEquals("> chardev-|", screen.line());

        type(keys("^I"));
        assertEquals(List.of("> ch", "> chardev-", "chardev-add     chardev-change", "> chardev-"), withFirst("> ch"));
        assertEquals("> chardev-|", screen.line());
    }

    private List<String> withFirst(String first) {
        List<String> rows = new ArrayList<>(screen.rows());
        rows.add(0, first);
        return rows;
    }

    @Test
    void manyCandidatesAreNotAllListed() {
        List<String> many = new ArrayList<>();
        for (int i = 0; i < 5000; i++) {
            many.add("w" + i);
        }
        editor = new LineEditor("> ", text -> Completion.of(text, 0, many));
        type("\t\t");

        assertTrue(
                screen.rows().contains("... and 4800 more"), () -> screen.rows().toString());
        assertTrue(screen.rows().size() < 50);
    }

    @Test
    void nothingToCompleteRings() {
        type(keys("zz^I"));

        assertEquals(1, screen.bells());
    }

    @Test
    void aLongLineShowsThePartAroundTheCursorInOneRow() {
        editor = new LineEditor("> ", 20, Completer.NONE);
        String line = "0123456789abcdefghijklmnopqrstuvwxyz";
        for (String character : line.split("", -1)) {
            type(character);
            assertTrue(screen.line().endsWith(character + "|"), screen.line());
        }
        assertTrue(screen.width() <= 20, () -> screen.rows().toString());
        type(keys("^A"));
        assertEquals("> |0123456789abcdefg", screen.line());
        type(keys("^F".repeat(17)));
        assertTrue(screen.line().contains("|h"), screen.line());
        type("\n");

        assertEquals(line, entries.get(0).text());
        assertTrue(screen.rows().get(0).endsWith("xyz"), () -> screen.rows().toString());
    }

    @Test
    void aLineThatIsTooLongIsSaidToBe() {
        type("x".repeat(LineEditor.MAX_LENGTH + 1000));
        assertEquals(1, screen.bells());
        assertEquals(LineEditor.MAX_LENGTH, editor.text().length());

        feed("\nok\n".getBytes(UTF_8));
        assertTrue(entries.get(0).isTooLong());
        assertEquals(new Entry("ok", false), entries.get(1));
        type(keys("^P^P"));
        assertEquals("ok", editor.text(), "half a command is not to be had again");
    }

    @Test
    void aLineThatIsShortenedIsGoodAgain() {
        feed("x".repeat(LineEditor.MAX_LENGTH + 1).getBytes(UTF_8));
        feed(keys("^Uhelp^J").getBytes(UTF_8));

        assertEquals(List.of(new Entry("help", false)), entries);
    }

    @Test
    void anInterruptedLineIsLeftBehind() {
        type(keys("info^A"));
        type(keys("^C"));

        assertEquals(List.of("> info^C", ">"), screen.rows());
        assertTrue(entries.isEmpty());
    }

    @Test
    void whoComesNextFindsAnEmptyLineAndTheHistory() {
        type("one\nhalf\033");
        editor.reset();

        assertEquals("", editor.text());
        assertFalse(editor.isShown());
        assertEquals(0, editor.outputLength());
        assertNull(editor.accept((byte) '['), "the sequence that had begun is forgotten");
        assertEquals("[", editor.text());
        type(keys("^P"));
        assertEquals("one", editor.text());
    }

    @Test
    void aRestartedLineIsDrawnWithItsPrompt() {
        type("inf");
        editor.restart();
        screen.print("\r\n");
        type("o");

        assertEquals(List.of("> inf", "> info"), screen.rows());
    }

    @Test
    void anyKeysInAnyPartsShowTheLineAsItIs() {
        long seed = 0x5eed;
        Random random = new Random(seed);
        List<String> choices = List.of(
                "a",
                "bc",
                " ",
                "é",
                "世",
                "😀",
                keys("^A"),
                keys("^E"),
                keys("^B"),
                keys("^F"),
                keys("^D"),
                keys("^H"),
                keys("^W"),
                keys("^K"),
                keys("^U"),
                keys("^P"),
                keys("^N"),
                keys("^I"),
                "\033[C",
                "\033[D",
                "\033b",
                "\n");
        editor = new LineEditor("> ", 30, LineEditorTest::complete);
        for (int i = 0; i < 4000; i++) {
            StringBuilder part = new StringBuilder();
            for (int n = 1 + random.nextInt(6); n > 0; n--) {
                part.append(choices.get(random.nextInt(choices.size())));
            }
            type(part.toString());
            String line = screen.line();
            String context = "seed=" + seed + " step=" + i + " line=" + line + " text=" + editor.text();
            assertTrue(line.startsWith("> "), context);
            assertTrue(isAround(line, editor.text(), editor.cursor()), context);
            assertTrue(screen.width() <= 30, context);
        }
    }

    /** Whether the cursor is between the characters that it is between in the text. */
    private static boolean isAround(String line, String text, int cursor) {
        int at = text.offsetByCodePoints(0, cursor);
        String before = at == 0 ? "> " : text.substring(text.offsetByCodePoints(at, -1), at);
        String after = at == text.length() ? "" : text.substring(at, text.offsetByCodePoints(at, 1));
        return line.contains(before + "|" + after) || line.startsWith("> |" + after);
    }
}
