package org.vportd.chardev.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.RecordingHandler;

class VcChardevTest {
    private ChardevFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private VcChardev vc(String options) throws ConfigException {
        return (VcChardev) fixture.add("vc,id=c" + options);
    }

    private String size(String id, String options) throws ConfigException {
        ScreenView view = ((VcChardev) fixture.add("vc,id=" + id + options)).screen();
        assertEquals(view.rows(), view.lines().size());
        return view.columns() + "x" + view.rows();
    }

    @Test
    @DisplayName("CD-4.14 vc: 80x24, or cols and rows, or width and height in pixels of a font of 8x16")
    void shouldHaveSize() throws Exception {
        assertEquals("80x24", size("a", ""));
        assertEquals("132x43", size("b", ",cols=132,rows=43"));
        assertEquals("100x37", size("d", ",width=800,height=600"));
        assertEquals("100x10", size("e", ",width=800,rows=10"));
        assertEquals("100x24", size("g", ",cols=100"));
        assertEquals("80x37", size("h", ",height=600"));
        assertEquals("Parameter 'cols' expects a number from 1 to 1000", fixture.refusal("vc,id=f,cols=5000,rows=2"));
        assertEquals(
                "Parameter 'width' expects a number from 8 to 8000", fixture.refusal("vc,id=f,width=7,height=600"));
        assertEquals(
                "Parameter 'scrollback' expects a number from 0 to 100000",
                fixture.refusal("vc,id=f,scrollback=1000000000"));
    }

    @Test
    @DisplayName("CD-4.14 vc: always open, takes all, begins with its name on blue")
    void shouldShowOutput() throws Exception {
        VcChardev vc = vc("");
        RecordingHandler front = fixture.attach(vc);
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
        assertEquals("vc", vc.filename());
        assertEquals("c console\n", vc.screen().text());
        assertEquals(4, Objects.requireNonNull(vc.cell(0, 0)).background());
        assertNull(vc.cell(24, 0));

        String flood = "0123456789".repeat(1000) + "\r\n";
        for (int i = 0; i < 10; i++) {
            assertEquals(flood.length(), front.write(flood));
        }
        front.write("login: ");
        assertEquals("login:", vc.screen().lines().get(23));
        assertEquals(7, vc.screen().cursorColumn());
        assertEquals(512, vc.historySize());
        assertEquals("0123456789".repeat(8), vc.history(1).get(0));
    }

    @Test
    @DisplayName("CD-4.14 vc: what is typed waits for room, up to a limit, and arrives once and in order")
    void shouldDeliverTypedInput() throws Exception {
        VcChardev vc = vc("");
        RecordingHandler front = fixture.attach(vc);
        String text = "x".repeat(TypedInput.CAPACITY - 3) + "ab";
        assertEquals(text.length(), vc.type(text));
        assertEquals(0, vc.type("\u00e9"), "two bytes do not fit, and half of it makes no sense");
        assertEquals(1, vc.type("yz".getBytes(StandardCharsets.US_ASCII)));
        fixture.loop().settle();
        assertEquals(TypedInput.CAPACITY, vc.unreadInput());

        front.grant(100);
        fixture.loop().settle();
        assertEquals(100, front.receivedBytes());
        assertEquals(100, vc.type("1".repeat(200)));
        front.grant(100_000);
        fixture.loop().settle();
        assertEquals(text + "y" + "1".repeat(100), front.text());
        assertEquals(0, vc.unreadInput());

        assertEquals(1, vc.type("\u00e9"));
        fixture.loop().settle();
        assertTrue(front.text().endsWith("\u00c3\u00a9"));
    }

    @Test
    @DisplayName("CD-4.14 vc: a program that asks and does not read leaves room for what is typed")
    void shouldBoundAnswers() throws Exception {
        VcChardev vc = vc("");
        RecordingHandler front = fixture.attach(vc);
        front.write("\033[6n".repeat(10_000));
        assertTrue(vc.unreadInput() > 200 && vc.unreadInput() <= 256);
        assertEquals(1000, vc.type("k".repeat(1000)));

        front.grant(10_000);
        fixture.loop().settle();
        assertTrue(front.text().matches("(\033\\[2;1R)+k{1000}"), front::text);
        front.write("\033[5n");
        fixture.loop().settle();
        assertTrue(front.text().endsWith("\033[0n"));
    }

    @Test
    void shouldNotObeyIdAsOutput() throws Exception {
        fixture.chardevs().add("a\033[2Jb", Options.parse("vc", "backend", warning -> {}));
        VcChardev vc = (VcChardev) fixture.chardevs().all().iterator().next();
        assertEquals("a?[2Jb console\n", vc.screen().text());
    }
}
