package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {
    private final List<String> warnings = new ArrayList<>();

    private Options parse(String text) {
        return Options.parse(text, "backend", warnings::add);
    }

    private static String refusal(Executable body) {
        return String.valueOf(assertThrows(ConfigException.class, body).getMessage());
    }

    @Test
    @DisplayName("CH-39 a doubled comma is one comma of the value")
    void shouldUnescapeDoubledCommas() {
        Options options = parse("socket,id=c0,path=/tmp/a,,b,server=on");

        assertEquals("socket", options.string("backend"));
        assertEquals("/tmp/a,b", options.string("path"));
        assertEquals("on", options.string("server"));
    }

    @Test
    void shouldUnescapeDoubledCommasInFirstWordAndAtBothEnds() {
        assertEquals("a,b", parse("a,,b,id=x").string("backend"));
        assertEquals(",x,", parse("file,path=,,x,,").string("path"));
        assertEquals(",", parse("file,path=,,,id=x").string("path"));
        assertEquals("x", parse("file,path=,,,id=x").string("id"));
    }

    @Test
    void shouldKeepEqualsSignsInValue() {
        assertEquals("a=b=c", parse("file,path=a=b=c").string("path"));
    }

    @Test
    void shouldTakeTheLastOfEqualKeys() {
        assertEquals("b", parse("file,path=a,path=b").string("path"));
    }

    @Test
    void shouldTakeFirstWordAsKeyWhenItHasValue() {
        Options options = parse("id=c0,backend=null");

        assertEquals("null", options.string("backend"));
        assertEquals("c0", options.string("id"));
    }

    @Test
    void shouldHaveEmptyValueWhenNothingFollowsTheEqualsSign() {
        Options options = parse("file,path=");

        assertTrue(options.has("path"));
        assertEquals("", options.string("path"));
        assertNull(options.string("id"));
        assertEquals("x", options.string("id", "x"));
    }

    @Test
    @DisplayName("CH-39 short booleans are accepted with a warning")
    void shouldAcceptShortBooleansWithWarning() throws ConfigException {
        Options options = parse("socket,server,nowait");

        assertTrue(options.bool("server", false));
        assertFalse(options.bool("wait", true));
        assertEquals(2, warnings.size());
        assertEquals("short-form boolean option 'nowait' deprecated; please use wait=off instead", warnings.get(1));
    }

    @Test
    @DisplayName("CH-39 wait=maybe is refused")
    void shouldRefuseOtherWordsForSwitch() {
        assertEquals(
                "Parameter 'wait' expects 'on' or 'off'",
                refusal(() -> parse("socket,wait=maybe").bool("wait", true)));
    }

    @ParameterizedTest
    @CsvSource({"on,true", "yes,true", "true,true", "y,true", "off,false", "no,false", "false,false", "n,false"})
    void shouldKnowTheWordsForSwitch(String word, boolean value) throws ConfigException {
        assertEquals(value, parse("x,k=" + word).bool("k", !value));
    }

    @Test
    @DisplayName("CH-39 an unknown key is refused")
    void shouldRefuseUnknownKey() throws ConfigException {
        Options options = parse("null,foo=1");
        options.accept(Set.of("backend", "foo"));

        assertEquals("Invalid parameter 'foo'", refusal(() -> options.accept(Set.of("backend"))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "101", "0xffff"})
    @DisplayName("CH-39 a number out of range: the message says the range, for clients that are not told hints")
    void shouldTellRange(String text) {
        assertEquals(
                "Parameter 'k' expects a number from 0 to 100",
                refusal(() -> parse("x,k=" + text).number("k", 5, 0, 100)));
        assertEquals(
                "Parameter 'k' expects a number of at least 9",
                refusal(() -> parse("x,k=8").number("k", 10, 9, Long.MAX_VALUE)));
    }

    @ParameterizedTest
    @CsvSource({"0,0", "17,17", "0x10,16"})
    void shouldReadNumbers(String text, long value) throws ConfigException {
        assertEquals(value, parse("x,k=" + text).number("k", 5, 0, 100));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "1.5", "#10", "-99999999999999999999"})
    void shouldRefuseWhatIsNoNumber(String text) {
        assertEquals(
                "Parameter 'k' expects a number",
                refusal(() -> parse("x,k=" + text).number("k", 5, 0, 100)));
    }

    @ParameterizedTest
    @CsvSource({
        "100,100",
        "64k,65536",
        "64K,65536",
        "1M,1048576",
        "2G,2147483648",
        "7b,7",
        "0x10,16",
        "1.5k,1536",
        "1T,1099511627776",
        "2P,2251799813685248",
        "7E,8070450532247928832"
    })
    void shouldReadSizes(String text, long value) throws ConfigException {
        assertEquals(value, parse("x,k=" + text).size("k", 5, 0, Long.MAX_VALUE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"k", "1x", "-1k", "99999999999999G", "2k", "", "1.5", "1.5b", ".5k", "1e3k", "9E"})
    void shouldRefuseWhatIsNoSizeInRange(String text) {
        assertThrows(ConfigException.class, () -> parse("x,k=" + text).size("k", 5, 0, 1024));
    }

    @Test
    void shouldSayWhatIsWrongWithNumbers() {
        assertEquals(
                "Value '99999999999999999999' is too large for parameter 'k'",
                refusal(() -> parse("x,k=99999999999999999999").number("k", 5, 0, 100)));
        assertEquals(
                "Value '99E' is out of range for parameter 'k'",
                refusal(() -> parse("x,k=99E").size("k", 5, 0, 100)));
        assertEquals(
                "Parameter 'k' expects a size", refusal(() -> parse("x,k=big").size("k", 5, 0, 100)));
    }

    @Test
    @DisplayName("CH-39 nodelay in short form is delay=off, and nodelay=on is what to write instead")
    void shouldAdviseAgainstShortFormOfNodelay() throws ConfigException {
        Options options = parse("socket,nodelay,delay");

        assertTrue(options.bool("delay", false));
        assertEquals(
                List.of(
                        "short-form boolean option 'nodelay' deprecated; please use nodelay=on instead",
                        "short-form boolean option 'delay' deprecated; please use nodelay=off instead"),
                warnings);
    }

    @Test
    void shouldNotCallANumberTooLargeThatIsNone() {
        assertEquals(
                "Parameter 'k' expects a number", refusal(() -> parse("x,k=08").number("k", 0, 0, 10)));
        assertEquals(
                "Value '0777777777777777777777777' is too large for parameter 'k'",
                refusal(() -> parse("x,k=0777777777777777777777777").number("k", 0, 0, 10)));
    }

    @Test
    void shouldLimitTheLengthOfIdentifiers() throws ConfigException {
        String longest = "i".repeat(127);
        assertEquals(longest, parse("null,id=" + longest).id());
        assertEquals(
                "Parameter 'id' expects an identifier",
                refusal(() -> parse("null,id=i" + longest).id()));
    }

    @Test
    void shouldUseFallbackWhenKeyIsMissing() throws ConfigException {
        assertEquals(5, parse("x").number("k", 5, 0, 10));
        assertEquals(6, parse("x").size("k", 6, 0, 10));
        assertTrue(parse("x").bool("k", true));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "Z9", "a.b_c-d"})
    void shouldAcceptIdentifiers(String id) throws ConfigException {
        assertEquals(id, parse("null,id=" + id).id());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "9a", "-a", "a b", "a/b", "é"})
    void shouldRefuseOtherIdentifiers(String id) {
        assertEquals(
                "Parameter 'id' expects an identifier",
                refusal(() -> parse("null,id=" + id).id()));
    }
}
