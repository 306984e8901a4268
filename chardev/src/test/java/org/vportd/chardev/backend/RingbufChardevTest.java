package org.vportd.chardev.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.RecordingHandler;

class RingbufChardevTest {
    private ChardevFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private static String read(Chardev chardev, int max) {
        return new String(((RingbufChardev) chardev).read(max), StandardCharsets.ISO_8859_1);
    }

    @Test
    @DisplayName("CH-21 the newest bytes are kept, and reading takes them")
    void shouldKeepTheNewestBytes() throws Exception {
        Chardev chardev = fixture.add("ringbuf,id=c,size=8");
        RecordingHandler front = fixture.attach(chardev);

        assertEquals(10, front.write("0123456789"));

        assertEquals("23456789", read(chardev, 100));
        assertEquals("", read(chardev, 100));
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
    }

    @Test
    @DisplayName("CH-21 sizes other than powers of two are refused, also 0")
    void shouldRefuseOtherSizes() {
        String text = "size of ringbuf chardev must be power of two";
        assertEquals(text, fixture.refusal("ringbuf,id=c,size=3"));
        assertEquals(text, fixture.refusal("ringbuf,id=c,size=0"));
        assertEquals("Parameter 'size' expects a number from 0 to 1073741824", fixture.refusal("ringbuf,id=c,size=2G"));
    }

    @Test
    void shouldPutBytesOfCommandBehindOutput() throws Exception {
        Chardev chardev = fixture.add("memory,id=c,size=1k");
        RecordingHandler front = fixture.attach(chardev).grant(100);
        front.write("out");
        ((RingbufChardev) chardev).append("put".getBytes(StandardCharsets.ISO_8859_1));
        fixture.loop().settle();

        assertEquals("ou", read(chardev, 2));
        assertEquals("tput", read(chardev, 100));
        assertEquals("", front.text());
        assertEquals("memory", chardev.filename());
    }

    @Test
    void shouldHoldMoreThanTheHeapDoes() throws Exception {
        Chardev chardev = fixture.add("ringbuf,id=c,size=1G");
        RecordingHandler front = fixture.attach(chardev);
        front.write("kept elsewhere");

        assertEquals("kept elsewhere", read(chardev, 100));
    }

    @Test
    void shouldHoldSixtyFourKibibytesByDefault() throws Exception {
        Chardev chardev = fixture.add("ringbuf,id=c");
        RecordingHandler front = fixture.attach(chardev);
        front.write("x".repeat(65537));

        assertEquals(65536, ((RingbufChardev) chardev).size());
    }

    @RepeatedTest(5)
    void shouldBehaveAsTailOfAllThatWasWritten(RepetitionInfo repetition) throws Exception {
        Random random = new Random(repetition.getCurrentRepetition());
        Chardev chardev = fixture.add("ringbuf,id=c,size=16");
        RecordingHandler front = fixture.attach(chardev);
        String model = "";
        for (int i = 0; i < 1000; i++) {
            String text = Integer.toString(random.nextInt(), 36).repeat(1 + random.nextInt(6));
            front.write(text);
            model += text;
            model = model.substring(Math.max(0, model.length() - 16));
            int max = random.nextInt(20);
            String expected = model.substring(0, Math.min(max, model.length()));
            assertEquals(expected, read(chardev, max));
            model = model.substring(expected.length());
        }
    }
}
