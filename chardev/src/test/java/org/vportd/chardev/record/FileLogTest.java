package org.vportd.chardev.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;

class FileLogTest {
    @TempDir
    private Path folder;

    private ChardevFixture fixture;
    private Path log;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
        log = folder.resolve("log");
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private RecordingHandler nullWith(String logOptions) throws ConfigException {
        return fixture.front("null,id=c,logfile=" + log + logOptions);
    }

    private void change(String options) throws ConfigException {
        fixture.chardevs().change("c", Options.parse(options, "backend", warning -> {}));
    }

    private String text(String suffix) throws IOException {
        return Files.readString(Path.of(log + suffix), StandardCharsets.ISO_8859_1);
    }

    @Test
    @DisplayName("CH-23 the log is emptied unless logappend=on, and made with mode 0666")
    void shouldEmptyOrAppend() throws Exception {
        Files.writeString(log, "before ");
        nullWith(",logappend=on").write("one ");
        fixture.chardevs().all().iterator().next().frontends().get(0).detach();
        fixture.chardevs().remove("c");
        assertEquals("before one ", text(""));

        nullWith("").write("two");
        assertEquals("two", text(""));

        int mask = Posix.umask(0);
        try {
            fixture.add("null,id=d,logfile=" + log + "d");
        } finally {
            Posix.umask(mask);
        }
        assertEquals("rw-rw-rw-", PosixFilePermissions.toString(Files.getPosixFilePermissions(Path.of(log + "d"))));
    }

    @Test
    @DisplayName("CH-23 a log that cannot be made refuses the chardev")
    void shouldRefuseFileThatCannotBeMade() {
        assertEquals(
                "Could not create '" + folder + "/no/log': No such file or directory",
                fixture.refusal("null,id=c,logfile=" + folder + "/no/log"));
        assertEquals(
                "Could not create '" + folder + "': Is a directory", fixture.refusal("null,id=c,logfile=" + folder));
        assertTrue(fixture.chardevs().all().isEmpty());
    }

    @Test
    @DisplayName("CH-23 only what was accepted is recorded, once, however often it is tried again")
    void shouldRecordOnlyWhatWasAccepted() throws Exception {
        Path fifo = folder.resolve("fifo");
        Posix.makeFifo(fifo + ".in", 0600);
        Posix.makeFifo(fifo + ".out", 0600);
        RecordingHandler front = fixture.front("pipe,id=c,path=" + fifo + ",logfile=" + log);
        Peer reader = fixture.closing(new Peer(Posix.open(fifo + ".out", Posix.O_RDONLY | Posix.O_NONBLOCK, 0)));
        StringBuilder accepted = new StringBuilder();
        for (int i = 0; i < 40; i++) {
            String line = i + "x".repeat(5000) + "\n";
            accepted.append(line, 0, (int) front.write(line));
        }
        while (front.write("y") > 0) {
            accepted.append('y');
        }
        assertEquals(0, front.write("full"));
        assertEquals(accepted.toString(), text(""));

        String out = reader.text();
        fixture.loop().until("room", () -> front.writableCalls() > 0);
        assertEquals(5, front.write("again"));
        assertEquals(accepted + "again", text(""));
        assertTrue(accepted.toString().startsWith(out) && !out.isEmpty());
    }

    @Test
    @DisplayName("CH-23 chardev-change to the same log goes on with it; a failed one leaves it")
    void shouldSurviveChange() throws Exception {
        RecordingHandler front = nullWith("");
        front.write("kept");

        assertThrows(ConfigException.class, () -> change("file,path=/no/where,logfile=" + log));
        front.write(" too");
        assertEquals("kept too", text(""));

        change("null,logappend=on,logfile=" + log);
        front.write(" appended");
        assertEquals("kept too appended", text(""));
        change("null,logfile=" + log);
        assertEquals("", text(""));
        front.write("fresh");
        assertEquals("fresh", text(""));
    }

    @Test
    @DisplayName("CH-23 SEC-99 logmaxsize and logkeep put older files aside; records stay whole and nothing is lost")
    void shouldRotate() throws Exception {
        RecordingHandler front = nullWith(",logmaxsize=1k,logkeep=2");
        String[] records = IntStream.range(0, 8)
                .mapToObj(i -> String.valueOf(i).repeat(400))
                .toArray(String[]::new);
        for (String record : records) {
            assertEquals(400, front.write(record));
        }

        assertEquals(records[6] + records[7], text(""));
        assertEquals(records[4] + records[5], text(".1"));
        assertEquals(records[2] + records[3], text(".2"));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(3, files.count());
        }
    }

    @Test
    @DisplayName("CH-23 a record larger than logmaxsize is split over files")
    void shouldSplitLargeRecord() throws Exception {
        RecordingHandler front = nullWith(",logmaxsize=1024,logkeep=9");
        String large = IntStream.range(0, 1000).mapToObj(i -> i + ",").reduce("", String::concat);
        front.write("small");
        front.write(large);

        StringBuilder all = new StringBuilder();
        for (int i = 9; i > 0; i--) {
            Path older = Path.of(log + "." + i);
            if (Files.exists(older)) {
                assertTrue(Files.size(older) <= 1024);
                all.append(text("." + i));
            }
        }
        assertEquals("small" + large, all + text(""));
    }

    @Test
    @DisplayName("CH-23 an appended log counts what is in it already")
    void shouldCountWhatIsThereAlready() throws Exception {
        Files.writeString(log, "o".repeat(1000));
        RecordingHandler front = nullWith(",logappend=on,logmaxsize=1024");
        front.write("n".repeat(100));

        assertEquals("o".repeat(1000), text(".1"));
        assertEquals("n".repeat(100), text(""));
    }

    @Test
    @DisplayName("CH-23 when no new file can be begun, the old one grows and the user is told once")
    void shouldGrowWhenRotationFails() throws Exception {
        RecordingHandler front = nullWith(",logmaxsize=1024");
        Files.createDirectory(Path.of(log + ".new")); // in the way of the new file
        for (int i = 0; i < 5; i++) {
            front.write("x".repeat(700));
        }

        assertEquals(3500, Files.size(log));
        assertEquals(1, fixture.log().size());
        assertTrue(
                fixture.log().get(0).contains("cannot begin a new log"),
                fixture.log().get(0));
    }

    @Test
    @DisplayName("CH-23 logtimestamp=on puts the time before each line, also of lines that come in pieces")
    void shouldStampLines() throws Exception {
        RecordingHandler front = nullWith(",logtimestamp=on");
        for (String part : List.of("one", " line\n", "\n", "three\nfo", "ur", "\nrest")) {
            assertEquals(part.length(), front.write(part));
        }

        String stamp = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z ";
        String expected = String.join("\n", stamp + "one line", stamp, stamp + "three", stamp + "four", stamp + "rest");
        assertTrue(text("").matches(expected), text(""));
    }

    @Test
    @DisplayName("CH-23 many lines in one record pass in bounded portions, also over several files")
    void shouldStampManyLines() throws Exception {
        RecordingHandler front = nullWith(",logtimestamp=on,logmaxsize=64k,logkeep=100");
        front.write("\n".repeat(20_000));

        StringBuilder all = new StringBuilder(text(""));
        for (int i = 1; Files.exists(Path.of(log + "." + i)); i++) {
            assertTrue(Files.size(Path.of(log + "." + i)) <= 65536);
            all.insert(0, text("." + i));
        }
        assertEquals(20_000L * 26, all.length());
        assertTrue(all.toString().lines().allMatch(line -> line.length() == 25));
    }

    @Test
    void shouldShowTimeInUtc() throws Exception {
        try (LineStamper stamper = new LineStamper(true);
                IoVector data = new IoVector();
                IoVector out = new IoVector();
                Fd memory = Posix.memoryFile("lines", 4096);
                MappedMemory mapped = MappedMemory.map(memory, 0, 4096)) {
            data.add(mapped.address(), 1);
            stamper.stamp(data, 1, 1_772_357_400_250L, out, full -> {});
            assertEquals("2026-03-01T09:30:00.250Z ", stampOf(out));
        }
    }

    private static String stampOf(IoVector out) {
        byte[] bytes = new byte[25];
        NativeMemory.get(out.segmentAddress(0), bytes, 0, bytes.length);
        return new String(bytes, StandardCharsets.US_ASCII);
    }

    @Test
    @DisplayName("CH-23 SEC-99 a full disk is told once, and never holds output up")
    void shouldGoOnWhenDiskIsFull() throws Exception {
        RecordingHandler front = fixture.front("null,id=c,logfile=/dev/full");
        for (int i = 0; i < 5; i++) {
            assertEquals(4, front.write("text"));
        }

        assertEquals(1, fixture.log().size());
        assertTrue(
                fixture.log().get(0).contains("No space left on device"),
                fixture.log().get(0));
        assertEquals(
                "'logmaxsize' option requires a regular file",
                fixture.refusal("null,id=d,logmaxsize=1M,logfile=/dev/full"));
    }

    @Test
    @DisplayName("CH-23 a FIFO as log never waits: it keeps the beginning, then drops, then goes on")
    void shouldNotWaitForReaderOfFifo() throws Exception {
        Posix.makeFifo(log.toString(), 0600);
        RecordingHandler front = nullWith("");
        for (int i = 0; i < 100; i++) {
            assertEquals(1000, front.write("x".repeat(1000)));
        }
        assertEquals(1, fixture.log().size(), fixture.log()::toString);

        Peer reader = fixture.closing(new Peer(Posix.open(log.toString(), Posix.O_RDONLY | Posix.O_NONBLOCK, 0)));
        int kept = reader.text().length();
        assertTrue(kept >= 60000 && kept <= 65536, "kept=" + kept);
        front.write("goes on");
        assertEquals("x".repeat(kept) + "goes on", reader.text());
        assertTrue(fixture.log().get(1).contains("log goes on"), fixture.log()::toString);
    }

    @Test
    @DisplayName("CH-23 memory of the front-end that has gone is no failure of the chardev")
    void shouldNotFailWhenMemoryHasGone() throws Exception {
        RecordingHandler front = nullWith("");
        try (Fd memory = Posix.memoryFile("guest", 8192);
                MappedMemory mapped = MappedMemory.map(memory, 0, 8192);
                IoVector data = new IoVector()) {
            Posix.resize(memory, 0);
            data.add(mapped.address(), 100);
            assertEquals(100, front.frontend().write(data));
        }
        front.write("next");

        assertEquals("next", text(""));
        assertEquals(2, fixture.log().size(), fixture.log()::toString);
    }

    @Test
    void shouldRefuseOptionsThatNeedOthers() {
        assertEquals("'logmaxsize' option requires 'logfile' option", fixture.refusal("null,id=c,logmaxsize=1M"));
        assertEquals("'logtimestamp' option requires 'logfile' option", fixture.refusal("null,id=c,logtimestamp=on"));
        assertEquals(
                "'logkeep' option requires 'logmaxsize' option", fixture.refusal("null,id=c,logkeep=2,logfile=" + log));
        assertEquals(
                "Parameter 'logmaxsize' expects a number of at least 1024",
                fixture.refusal("null,id=c,logmaxsize=10,logfile=" + log));
        assertFalse(Files.exists(log), "nothing was made");
    }
}
