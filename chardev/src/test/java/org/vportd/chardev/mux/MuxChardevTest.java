package org.vportd.chardev.mux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.PosixException;
import org.vportd.posix.UnixAddress;

class MuxChardevTest {
    private static final int UNLIMITED = 1 << 30;

    @TempDir
    private Path folder;

    private final List<Integer> exits = new ArrayList<>();
    private ChardevFixture fixture;
    private Chardev mux;
    private Peer terminal;
    private int seen;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture(new ChardevServices() {
            @Override
            public void exit(int status) {
                exits.add(status);
            }
        });
        String path = folder.resolve("s").toString();
        mux = fixture.add("socket,id=m,mux=on,server=on,wait=off,path=" + path);
        terminal = fixture.closing(new Peer(UnixAddress.ofPath(path).connect()));
        Chardev base = fixture.chardevs().find("m-base");
        fixture.loop().until("the terminal is there", () -> base != null && base.isOpen());
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private void type(String keys) throws PosixException {
        terminal.write(keys);
        fixture.loop().settle();
    }

    /** What has come since the last time. */
    private String screen() {
        fixture.loop().settle();
        String text = terminal.text().substring(seen);
        seen += text.length();
        return text;
    }

    @Test
    @DisplayName("CH-24 the fifth front-end is refused")
    void shouldRefuseFifthFrontend() {
        for (int i = 0; i < 4; i++) {
            fixture.attach(mux);
        }
        RecordingHandler fifth = fixture.closing(new RecordingHandler());
        ConfigException refused =
                assertThrows(ConfigException.class, () -> fifth.frontend().attach(mux));
        assertEquals("too many uses of multiplexed chardev 'm' (maximum is 4)", refused.getMessage());
    }

    @Test
    @DisplayName("CH-24 Ctrl-A c goes round, with MUX_OUT and then MUX_IN; what follows goes to the new one")
    void shouldMoveFocusWhenTold() throws Exception {
        RecordingHandler first = fixture.attach(mux).grant(UNLIMITED);
        RecordingHandler second = fixture.attach(mux).grant(UNLIMITED);
        RecordingHandler third = fixture.attach(mux).grant(UNLIMITED);
        assertEquals(List.of(ChardevEvent.MUX_IN, ChardevEvent.OPENED, ChardevEvent.MUX_OUT), first.events());
        type("three\001cone\001ctwo");
        assertEquals("three", third.text());
        assertEquals("one", first.text());
        assertEquals("two", second.text());
        assertEquals(
                List.of(
                        ChardevEvent.MUX_IN,
                        ChardevEvent.OPENED,
                        ChardevEvent.MUX_OUT,
                        ChardevEvent.MUX_IN,
                        ChardevEvent.MUX_OUT),
                first.events());
        assertEquals(ChardevEvent.MUX_IN, second.events().get(second.events().size() - 1));
    }

    @Test
    @DisplayName("CH-24 the escape twice is one, an unknown key goes with it, also when they come apart")
    void shouldPassEscapeWhenTypedTwice() throws Exception {
        RecordingHandler front = fixture.attach(mux).grant(UNLIMITED);
        type("a\001\001b\001zc");
        type("\001");
        type("\001");
        type("\001");
        type("q.");
        assertEquals("a\001bc\001.", front.text());
    }

    @Test
    @DisplayName("CH-24 Ctrl-A b is a break for the one in focus, and so is chardev-send-break")
    void shouldBreakFocusedOneWhenTold() throws Exception {
        RecordingHandler first = fixture.attach(mux).grant(UNLIMITED);
        RecordingHandler second = fixture.attach(mux).grant(UNLIMITED);
        type("\001b");
        mux.sendBreak();
        assertEquals(2, second.count(ChardevEvent.BREAK));
        assertEquals(0, first.count(ChardevEvent.BREAK));
    }

    @Test
    @DisplayName("CH-24 32 bytes are typed ahead, more wait with the peer, and commands work until then")
    void shouldKeepTypedAheadWhenNobodyReads() throws Exception {
        RecordingHandler first = fixture.attach(mux);
        RecordingHandler second = fixture.attach(mux);
        String text = "0123456789abcdef0123456789abcdef";
        type(text);
        type("more");
        assertEquals("", second.text());
        second.grant(1);
        fixture.loop().settle();
        assertEquals("0", second.text());
        second.grant(UNLIMITED);
        fixture.loop().settle();
        assertEquals(text + "more", second.text());
        second.setReceiving(false);
        type("\001cx");
        first.grant(1);
        fixture.loop().settle();
        assertEquals("x", first.text());
    }

    @Test
    void shouldGiveTypedAheadToNextOwnerWhenFrontendLeaves() throws Exception {
        RecordingHandler first = fixture.attach(mux);
        type("kept");
        first.frontend().detach();
        RecordingHandler next = fixture.attach(mux).grant(UNLIMITED);
        fixture.loop().settle();
        assertEquals("kept", next.text());
    }

    @Test
    void shouldCarryAllWhenOneReadsInPieces() throws Exception {
        RecordingHandler front = fixture.attach(mux);
        StringBuilder typed = new StringBuilder();
        for (int i = 0; i < 200; i++) {
            String text = ("<" + i + ">").repeat(60);
            assertEquals(text.length(), terminal.write(text));
            typed.append(text);
            front.grant(1 + i * 7 % 400);
            fixture.loop().settle();
        }
        assertTrue(front.text().length() < typed.length());
        front.grant(UNLIMITED);
        fixture.loop().until("all has come", () -> front.text().length() >= typed.length());
        assertEquals(typed.toString(), front.text());
    }

    @Test
    @DisplayName("CH-24 output of all goes to the base; the base's events to all")
    void shouldShareOutputAndEvents() throws Exception {
        RecordingHandler first = fixture.attach(mux);
        RecordingHandler second = fixture.attach(mux);
        assertEquals(3, first.write("one"));
        assertEquals(3, second.write("two"));
        assertEquals("onetwo", screen());
        terminal.close();
        fixture.loop().until("closed", () -> first.count(ChardevEvent.CLOSED) == 1);
        assertEquals(1, second.count(ChardevEvent.CLOSED));
        assertTrue(mux.isOpen());
        assertEquals(
                List.of(ChardevEvent.MUX_IN, ChardevEvent.OPENED),
                fixture.attach(mux).events());
    }

    @Test
    void shouldWakeAllWhenBaseHasRoomAgain() throws Exception {
        RecordingHandler first = fixture.attach(mux);
        RecordingHandler second = fixture.attach(mux);
        String block = "x".repeat(1000);
        long written = 0;
        long n = 1000;
        while (n == 1000) {
            n = first.write(block);
            written += n;
        }
        assertEquals(0, second.write("y"));
        int read = 0;
        while (first.writableCalls() == 0) {
            read += screen().length();
        }
        assertTrue(read > 0 && read <= written);
        assertEquals(1, second.writableCalls());
        assertEquals(1, first.writableCalls());
    }

    @Test
    @DisplayName("CH-24 Ctrl-A t puts times before lines, h explains, s has nothing to do, x ends the program")
    void shouldActOnOtherKeysWhenTold() throws Exception {
        RecordingHandler front = fixture.attach(mux).grant(UNLIMITED);
        type("\001t");
        front.write("one\ntwo");
        front.write(" goes on\nthree\n");
        String stamp = "\\[00:00:\\d\\d\\.\\d{3}] ";
        String text = screen();
        assertTrue(text.matches(stamp + "one\n" + stamp + "two goes on\n" + stamp + "three\n"), text);
        type("\001t");
        front.write("plain\n");
        assertEquals("plain\n", screen());
        type("\001h");
        String help = screen();
        for (String line : List.of("C-a h ", "C-a x ", "C-a s ", "C-a t ", "C-a b ", "C-a c ", "C-a C-a ")) {
            assertTrue(help.contains("\n\r" + line), help);
        }
        type("\001s");
        assertEquals("vportd: there is no disk to commit\n\r", screen());
        assertEquals(List.of(), exits);
        type("\001x");
        assertEquals("vportd: Terminated\n\r", screen());
        assertEquals(List.of(0), exits);
        assertEquals("", front.text());
    }

    @Test
    @DisplayName("CH-24 times begin with the next line, not in the middle of one")
    void shouldWriteTimesAtLineStartsOnly() throws Exception {
        RecordingHandler front = fixture.attach(mux).grant(UNLIMITED);
        front.write("login: ");
        type("\001t");
        front.write("root\nnext\n");
        String text = screen();
        assertTrue(text.matches("login: root\n\\[00:00:\\d\\d\\.\\d{3}] next\n"), text);
    }

    @Test
    void shouldWriteTimesInPiecesWhenBaseIsFull() throws Exception {
        RecordingHandler front = fixture.attach(mux).grant(UNLIMITED);
        type("\001t");
        String block = "0123456789\n".repeat(50);
        long taken = front.write(block);
        while (taken == block.length()) {
            taken = front.write(block);
        }
        StringBuilder text = new StringBuilder();
        while (taken < block.length()) {
            text.append(screen()); // makes room
            fixture.loop().settle();
            taken += front.write(block.substring((int) taken));
        }
        text.append(screen());
        String line = "\\[\\d\\d:\\d\\d:\\d\\d\\.\\d{3}] 0123456789";
        for (String each : text.toString().split("\n", -1)) {
            assertTrue(each.isEmpty() || each.matches(line), each);
        }
    }

    @Test
    @DisplayName("CH-41 a mux and its base are busy while they are used")
    void shouldBeBusyWhileUsed() throws Exception {
        RecordingHandler front = fixture.attach(mux);
        assertEquals("Chardev 'm' is busy", removal("m"));
        assertEquals("Chardev 'm-base' is busy", removal("m-base"));
        front.frontend().detach();
        assertEquals("Chardev 'm-base' is busy", removal("m-base"));
        fixture.chardevs().remove("m");
        fixture.chardevs().remove("m-base");
    }

    @Test
    @DisplayName("QMP-11 the base of a mux has an open front-end for as long as the mux has one")
    void shouldShowUserOfBase() throws Exception {
        Chardev base = Objects.requireNonNull(fixture.chardevs().find("m-base"));
        assertFalse(base.isFrontendOpen());
        RecordingHandler first = fixture.attach(mux);
        RecordingHandler second = fixture.attach(mux);
        assertTrue(base.isFrontendOpen());
        second.frontend().detach();
        assertTrue(base.isFrontendOpen());
        first.frontend().detach();
        assertFalse(base.isFrontendOpen());
    }

    private String removal(String id) {
        ConfigException refused =
                assertThrows(ConfigException.class, () -> fixture.chardevs().remove(id));
        return String.valueOf(refused.getMessage());
    }

    @Test
    void shouldRefuseWhenBaseDoesNotFit() throws Exception {
        assertEquals("chardev: mux: no chardev given", fixture.refusal("mux,id=x"));
        assertEquals("mux: base chardev none not found", fixture.refusal("mux,id=x,chardev=none"));
        assertEquals("chardev: multiplexers can't be stacked", fixture.refusal("mux,id=x,chardev=m"));
        assertEquals("chardev 'm-base' is already in use", fixture.refusal("mux,id=x,chardev=m-base"));
        assertEquals("Chardev with id 'm' already exists", fixture.refusal("null,id=m,mux=on"));
        assertFalse(fixture.chardevs().find("m-base") == null);
        fixture.add("null,id=y-base");
        assertEquals("Chardev with id 'y-base' already exists", fixture.refusal("null,id=y,mux=on"));
        fixture.add("null,id=z");
        assertEquals("Chardev with id 'z' already exists", fixture.refusal("null,id=z,mux=on"));
        assertTrue(fixture.chardevs().find("z-base") == null);
    }
}
