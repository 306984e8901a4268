package org.vportd.chardev.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.Posix;

class FileChardevTest {
    @TempDir
    private Path folder;

    private ChardevFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    @Test
    @DisplayName("CH-05 a file is emptied first")
    void shouldEmptyFileFirst() throws Exception {
        Path file = Files.writeString(folder.resolve("out"), "old and long");
        RecordingHandler front = fixture.front("file,id=c,path=" + file);

        assertEquals(3, front.write("new"));

        assertEquals("new", Files.readString(file));
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
    }

    @Test
    @DisplayName("CH-05 append=on appends")
    void shouldAppendWhenAsked() throws Exception {
        Path file = Files.writeString(folder.resolve("out"), "old,");

        fixture.front("file,id=c,append=on,path=" + file).write("new");

        assertEquals("old,new", Files.readString(file));
    }

    @Test
    @DisplayName("CH-05 refusals")
    void shouldRefuseMissingAndBadPaths() throws Exception {
        assertEquals("chardev: file: no filename given", fixture.refusal("file,id=c"));
        assertEquals("Could not open '/x/y': No such file or directory", fixture.refusal("file,id=c,path=/x/y"));
        assertEquals("Could not open '': No such file or directory", fixture.refusal("file,id=c,path="));
        Path fifo = folder.resolve("fifo");
        Posix.makeFifo(fifo.toString(), 0600);
        ConfigException refused = assertThrows(ConfigException.class, () -> fixture.add("file,id=c,path=" + fifo));
        assertEquals("a FIFO that nobody reads, or a device that is not there", refused.hint());
    }

    @Test
    void shouldLeaveOutputAloneWhenInputCannotBeOpened() throws Exception {
        Path file = Files.writeString(folder.resolve("out"), "kept");

        assertEquals(
                "Could not open '/x/in': No such file or directory",
                fixture.refusal("file,id=c,input-path=/x/in,path=" + file));

        assertEquals("kept", Files.readString(file));
    }

    @Test
    void shouldCloseAtTheEndOfInputWhileOutputGoesOn() throws Exception {
        Path in = Files.writeString(folder.resolve("in"), "input");
        Path out = folder.resolve("out");
        RecordingHandler front = fixture.front("file,id=c,path=" + out + ",input-path=" + in);

        fixture.loop().settle();
        assertEquals("input", front.text());
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());

        assertEquals(6, front.write("output"));
        assertEquals("output", Files.readString(out));
    }

    @Test
    void shouldWriteAllWhenThereAreMoreSegmentsThanOneCallTakes() throws Exception {
        Path file = folder.resolve("out");
        RecordingHandler front = fixture.front("file,id=c,path=" + file);
        String text = "0123456789".repeat(300);
        int[] written = {(int) front.write(text)};
        front.whenWritable(() -> written[0] += (int) front.write(text.substring(written[0])));

        fixture.loop().until("all is written", () -> written[0] == text.length());

        assertEquals(text, Files.readString(file));
    }

    @Test
    void shouldKeepOutputAndSayOnceWhenDiskIsFull() throws Exception {
        RecordingHandler front = fixture.front("file,id=c,path=/dev/full");

        assertEquals(0, front.write("kept"));
        front.whenWritable(() -> assertEquals(0, front.write("kept")));
        fixture.loop().settle();
        assertEquals(0, front.writableCalls(), "does not spin");
        fixture.loop().until("tried again", () -> front.writableCalls() == 2);

        assertEquals(1, fixture.log().size());
        assertTrue(
                fixture.log().get(0).contains("No space left on device"),
                fixture.log().toString());
    }

    @Test
    void shouldGoOnWhereItStoppedWhenThereIsRoomAgain() throws Exception {
        Path path = folder.resolve("fifo");
        Posix.makeFifo(path.toString(), 0600);
        Peer first = fixture.closing(reader(path));
        RecordingHandler front = fixture.front("file,id=c,path=" + path);
        assertEquals(2, front.write("1,"));
        first.close();

        assertEquals(0, front.write("2,"));
        Peer second = fixture.closing(reader(path));
        int[] written = {0};
        front.whenWritable(() -> written[0] += (int) front.write("2,"));
        fixture.loop().until("written", () -> written[0] == 2);

        assertEquals("1,2,", second.text(), "also what the first reader left in the FIFO");
        assertEquals(2, fixture.log().size(), "failure and recovery: " + fixture.log());
        assertFalse(front.events().contains(ChardevEvent.CLOSED));
    }

    private static Peer reader(Path path) throws Exception {
        return new Peer(
                Posix.open(path.toString(), Posix.O_RDONLY | Posix.O_NONBLOCK, 0), Posix.open("/dev/null", 1, 0));
    }
}
