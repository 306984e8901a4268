package org.vportd.monitor.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonFramerTest {
    private final JsonFramer framer = new JsonFramer();

    /** Everything that comes of some bytes, faults as their messages after an exclamation mark. */
    private static List<Object> outcomes(JsonFramer framer, byte[] bytes, int from, int to) {
        List<Object> outcomes = new ArrayList<>();
        int at = from;
        while (true) {
            at = framer.feed(bytes, at, to);
            if (!framer.isComplete()) {
                assertEquals(to, at);
                return outcomes;
            }
            try {
                outcomes.add(String.valueOf(framer.next()));
            } catch (JsonException e) {
                outcomes.add("!" + e.text());
            }
        }
    }

    private List<Object> outcomes(byte[] bytes) {
        return outcomes(framer, bytes, 0, bytes.length);
    }

    private List<Object> outcomes(String text) {
        return outcomes(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private Object value(String text) throws JsonException {
        byte[] bytes = (text + " ").getBytes(StandardCharsets.UTF_8);
        framer.feed(bytes, 0, bytes.length);
        return String.valueOf(framer.next());
    }

    @Test
    @DisplayName("QMP-05 several values in one piece, without anything between them")
    void severalValuesInOnePiece() {
        assertEquals(List.of("{a=1}", "[2, {}]", "{}", "x"), outcomes("{\"a\":1}[2,{}]{}\"x\""));
    }

    @Test
    @DisplayName("QMP-05 a value byte by byte")
    void aValueByteByByte() {
        byte[] bytes = "{\"execute\": \"a\\u00e9\", \"id\": [1.5, null, true]}".getBytes(StandardCharsets.UTF_8);
        List<Object> outcomes = new ArrayList<>();
        for (int i = 0; i < bytes.length; i++) {
            assertEquals(List.of(), outcomes);
            outcomes.addAll(outcomes(framer, bytes, i, i + 1));
        }
        assertEquals(List.of("{execute=a\u00e9, id=[1.5, null, true]}"), outcomes);
    }

    @Test
    @DisplayName("QMP-05 single-quoted strings")
    void singleQuotes() {
        assertEquals(List.of("{it's=say \"x\"}"), outcomes("{'it\\'s': 'say \"x\"'}"));
    }

    @Test
    void numbersKeepWhatFits() throws JsonException {
        byte[] bytes =
                "[0, -1, 9223372036854775807, 18446744073709551615, 18446744073709551616, -9223372036854775809, 1e2] "
                        .getBytes(StandardCharsets.UTF_8);
        framer.feed(bytes, 0, bytes.length);
        assertEquals(
                Arrays.asList(0L, -1L, Long.MAX_VALUE, new BigInteger("18446744073709551615"), 0x1p64, -0x1p63, 100.0),
                framer.next());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"a\" 1}                  | missing : in object pair",
                "{\"a\":1,\"a\":2}          | duplicate key",
                "{1:2}                      | key is not a string in object",
                "{[1]:2}                    | key is not a string in object",
                "{,}                        | expecting value",
                "{\"a\":}                   | expecting value",
                "{\"a\":1,}                 | expecting value",
                "{\"a\":1 \"b\":2}          | expected separator in dict",
                "[1 2]                      | expected separator in list",
                "[1,]                       | expecting value",
                "[1}                        | expected separator in list",
                "[nope]                     | invalid keyword 'nope'",
                "{\"a\": [maybe, {}]}       | invalid keyword 'maybe'",
                "}                          | expecting value",
                ",                          | expecting value",
                "garbage!                   | invalid keyword 'garbage'",
                "@                          | stray '@'",
                "[01]                       | stray '01'",
                "[1.x]                      | stray '1.x'",
                "[-]                        | stray '-]'",
                "[1e]                       | stray '1e]'",
                "\"a\tb\"                   | stray '\"a\t'",
                "\"\\x\"                    | invalid escape sequence in string",
                "\"\\u12g4\"                | invalid escape sequence in string",
                "\"\\u0000\"                | invalid escape sequence '\\u0000' in string",
                "\"\\ud800\"                | invalid escape sequence '\\uD800' in string: half of a pair",
                "\"\\udc00\\ud800\"         | invalid escape sequence '\\uDC00' in string: half of a pair",
                "\"\u00ff                   | stray '\"\uFFFD'",
                "\"\u00c3(\"           | invalid UTF-8 sequence in string",
                "\"\u00c0\u0080\"           | invalid UTF-8 sequence in string",
                "\"\u00ed\u00a0\u0080\"     | invalid UTF-8 sequence in string",
            })
    @DisplayName("QMP-06 a fault is told once, with its reason, and what follows a control character is read")
    void faults(String garbage, String reason) {
        assertEquals(List.of("!JSON parse error, " + reason, "{ok=1}"), outcomes(garbage + "\u0001{\"ok\":1}"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\u0001", "\u0000", "\u001b", "\u00ff", "\u00fe", "\u00ff\u00ff\u0002"})
    @DisplayName("QMP-06 a byte that no JSON contains is a fault of its own, once, and begins afresh")
    void resettingBytes(String reset) {
        List<Object> outcomes = outcomes("{\"execute\": [1, \"" + reset + "{\"ok\":1}");
        assertEquals(2, outcomes.size(), outcomes::toString);
        assertEquals("{ok=1}", outcomes.get(1));
        assertEquals(2, outcomes(reset + reset + "{}").size());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "foo bar, baz\n{\"ok\":1}",
                "@@@ {\"ok\":1}",
                "[1, @ 2]]]\r\n{\"ok\":1}",
                "{\"a\":[1 2 {\"b\":3}]}{\"ok\":1}"
            })
    @DisplayName("QMP-06 the end of a line, an opening brace or the end of the broken value is enough as well")
    void otherWaysOut(String text) {
        List<Object> outcomes = outcomes(text);
        assertEquals(2, outcomes.size(), outcomes::toString);
        assertEquals("{ok=1}", outcomes.get(1));
    }

    @Test
    @DisplayName("QMP-04 nesting of 1024 is taken, more is refused once")
    void nestingLimit() {
        String deep = "[".repeat(1024) + "]".repeat(1024);
        assertEquals(1, outcomes(deep).size());
        assertEquals(List.of("!JSON nesting depth limit exceeded", "{ok=1}"), outcomes("[" + deep + "]{\"ok\":1}"));
    }

    @Test
    @DisplayName("QMP-04 two million tokens are taken, more are refused once")
    void tokenLimit() {
        byte[] bytes = new byte[2 * JsonFramer.MAX_TOKENS + 100];
        Arrays.fill(bytes, (byte) '1');
        for (int i = 1; i < bytes.length; i += 2) {
            bytes[i] = ',';
        }
        bytes[0] = '[';
        bytes[bytes.length - 1] = ']';
        bytes[bytes.length - 2] = '1';
        bytes[1] = '1';
        for (int i = 2; i < bytes.length - 2; i += 2) {
            bytes[i] = ',';
            bytes[i + 1] = '1';
        }
        bytes[bytes.length - 2] = ' ';
        assertEquals(List.of("!JSON token count limit exceeded"), outcomes(bytes));
        assertEquals(List.of("{}"), outcomes("{}"));
    }

    @Test
    @DisplayName("QMP-04 more than 64 MiB of tokens are refused once")
    void sizeLimit() {
        byte[] part = "x".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
        List<Object> outcomes = new ArrayList<>(outcomes("{\"a\": \""));
        for (int i = 0; i < 66; i++) {
            outcomes.addAll(outcomes(part));
        }
        outcomes.addAll(outcomes("\"}{\"ok\":1}"));
        assertEquals(List.of("!JSON token size limit exceeded", "{ok=1}"), outcomes);
    }

    @Test
    @DisplayName(
            "QMP-04 values of several clients are held within one budget, which is free again after a fault or a reset")
    void sharedBudget() {
        JsonBudget budget = new JsonBudget(1 << 20, 1000, 1 << 20);
        JsonFramer first = new JsonFramer(budget);
        JsonFramer second = new JsonFramer(budget);
        byte[] text = ("{\"a\":\"" + "x".repeat(900_000)).getBytes(StandardCharsets.UTF_8);
        assertEquals(List.of(), outcomes(first, text, 0, text.length));
        assertEquals(List.of("!JSON token size limit exceeded"), outcomes(second, text, 0, text.length));
        first.reset();
        byte[] end = "\"}".getBytes(StandardCharsets.UTF_8);
        assertEquals(List.of(), outcomes(second, end, 0, end.length));
        assertEquals(List.of(), outcomes(second, text, 0, text.length));
        assertEquals(1, outcomes(second, end, 0, end.length).size());
        assertEquals(1 << 20, budget.left());
    }

    @Test
    @DisplayName("QMP-04 what a value may have is a part of the heap")
    void budgetOfHeap() {
        JsonBudget small = new JsonBudget(128 << 20);
        assertEquals(4 << 20, small.maxBytes());
        assertEquals(128 << 10, small.maxTokens());
        assertEquals(8 << 20, small.left());
        JsonBudget large = new JsonBudget(1L << 40);
        assertEquals(JsonFramer.MAX_BYTES, large.maxBytes());
        assertEquals(JsonFramer.MAX_TOKENS, large.maxTokens());
    }

    @Test
    void blanksDoNotCount() {
        JsonFramer small = new JsonFramer(8, 100);
        byte[] bytes = ("{" + " ".repeat(1000) + "\"a\":12}{\"a\":123}{}").getBytes(StandardCharsets.UTF_8);
        assertEquals(
                List.of("{a=12}", "!JSON token size limit exceeded", "{}"), outcomes(small, bytes, 0, bytes.length));
    }

    @Test
    void aLongTopLevelTokenIsRefusedAndSkipped() {
        JsonFramer small = new JsonFramer(8, 100);
        byte[] bytes = "\"123456789012345\"\n{\"a\":1}".getBytes(StandardCharsets.UTF_8);
        assertEquals(List.of("!JSON token size limit exceeded", "{a=1}"), outcomes(small, bytes, 0, bytes.length));
    }

    @Test
    void takesTimeInProportionToTheLength() {
        String text = "{\"key\": [\"" + "abc\\n\u00e9".repeat(500_000) + "\", " + "1,".repeat(200_000) + "1]}";
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        assertTimeoutPreemptively(Duration.ofSeconds(10), () -> {
            int values = 0;
            for (int i = 0; i < bytes.length; i++) {
                values += outcomes(framer, bytes, i, i + 1).size();
            }
            assertEquals(1, values);
        });
    }

    @Test
    @DisplayName("QMP-05 however a stream is split, the same comes of it")
    void splittingChangesNothing() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int round = 0; round < 400; round++) {
            byte[] stream = stream(random);
            List<Object> whole = outcomes(new JsonFramer(), stream, 0, stream.length);
            JsonFramer other = new JsonFramer();
            List<Object> parts = new ArrayList<>();
            int at = 0;
            while (at < stream.length) {
                int to = Math.min(stream.length, at + 1 + random.nextInt(random.nextBoolean() ? 3 : 40));
                parts.addAll(outcomes(other, stream, at, to));
                at = to;
            }
            assertEquals(whole, parts, () -> "seed=" + seed);
            parts = outcomes(other, "\u0001{}".getBytes(StandardCharsets.UTF_8), 0, 3);
            assertEquals(
                    "{}", parts.get(parts.size() - 1), () -> "seed=" + seed + " stream=" + Arrays.toString(stream));
        }
    }

    private static byte[] stream(Random random) {
        String[] pieces = {
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"a\"",
            "'b'",
            "\"",
            "'",
            "\\",
            "1",
            "-0.5e3",
            "true",
            "null",
            "x",
            " ",
            "\n",
            "\u0001",
            "{\"a\":[1,{}]}",
            "{\"execute\":\"q\",\"id\":1}",
            "\u00c3\u00a9",
            "\u00ff",
            "@"
        };
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(60); i >= 0; i--) {
            text.append(pieces[random.nextInt(pieces.length)]);
        }
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    @Test
    void nothingIsLeftAfterReset() throws JsonException {
        outcomes("{\"a\": [1, \"b");
        framer.reset();
        assertFalse(framer.isComplete());
        assertEquals("{}", value("{}"));
    }

    @Test
    void writtenTextIsReadAgain() throws JsonException {
        Map<String, Object> value = Map.of("k\u00e9\ud83d\ude00\u0000\"\\", List.of(1L, 2.5, true, "\u007f\n"));
        String line = new String(JsonText.line(value, false), StandardCharsets.US_ASCII);
        assertEquals("{\"k\\u00E9\\uD83D\\uDE00\\u0000\\\"\\\\\": [1, 2.5, true, \"\u007f\\n\"]}\r\n", line);
    }

    @Test
    void prettyTextHasOneMemberToALine() {
        Map<String, Object> value = Map.of("return", List.of(Map.of("name", "a"), Map.of()));
        assertEquals(
                "{\r\n    \"return\": [\r\n        {\r\n            \"name\": \"a\"\r\n        },\r\n        {}\r\n    ]\r\n}\r\n",
                new String(JsonText.line(value, true), StandardCharsets.US_ASCII));
    }
}
