package org.vportd.chardev.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFixture;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.Options;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.builtin.BuiltinTypes;

/** parallel, testdev, and the types that are not available. */
class SmallTypesTest {
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
    @DisplayName("CH-05 parallel: texts of what is missing or no parallel port")
    void shouldRefuseWhatIsNoParallelPort() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        assertEquals("chardev: parallel: no device path given", fixture.refusal("parallel,id=c"));
        assertEquals(
                "Could not open '/dev/no-parport': No such file or directory",
                fixture.refusal("parallel,id=c,path=/dev/no-parport"));
        String refusal = "not a parallel port: Inappropriate ioctl for device";
        assertEquals(refusal, fixture.refusal("parallel,id=c,path=/dev/null"));
        assertEquals(refusal, fixture.refusal("parallel,id=c,path=" + file));
        assertEquals(refusal, fixture.refusal("parallel,id=c,path=" + file), "a failed claim is not remembered");
        assertTrue(fixture.chardevs().all().isEmpty());
    }

    private List<Integer> statuses(String... parts) throws Exception {
        List<Integer> statuses = new ArrayList<>();
        ChardevServices services = new ChardevServices() {
            @Override
            public void exit(int status) {
                statuses.add(status);
            }
        };
        try (Chardevs chardevs = BuiltinTypes.table(fixture.loop().loop(), services);
                RecordingHandler front = new RecordingHandler()) {
            front.attach(chardevs.add(Options.parse("testdev,id=c", "backend", warning -> {})));
            assertEquals(List.of(ChardevEvent.OPENED), front.events());
            for (String part : parts) {
                assertEquals(part.getBytes(StandardCharsets.ISO_8859_1).length, front.write(part));
            }
        }
        return statuses;
    }

    @ParameterizedTest
    @DisplayName("CH-21 testdev: digits and q end the program with status 2n+1, within 0..255")
    @CsvSource({
        "0q, 1",
        "1q, 3",
        "'  12 \t\r\nq', 25",
        "q, 1",
        "127q, 255",
        "128q, 1",
        "99999999999999999999q, 255",
        "'x5q', 11",
        "'7x2q', 5",
        "'\u00001q', 3",
        "'1 2q', 1"
    })
    void shouldEndProgram(String text, int status) throws Exception {
        assertEquals(List.of(status), statuses(text));
    }

    @Test
    @DisplayName("CH-21 testdev: a command may come in pieces; everything else is dropped")
    void shouldTakeCommandInPieces() throws Exception {
        assertEquals(List.of(85), statuses(" ", "4", "2", " ", "q"));
        assertEquals(List.of(), statuses("Q", "quit".substring(1), "12 \n", "w"));
    }

    @ParameterizedTest
    @DisplayName("CH-40 types that make no sense here are refused with the reason, and not listed")
    @ValueSource(strings = {"msmouse", "wctablet", "braille", "spicevmc", "spiceport", "qemu-vdagent", "dbus"})
    void shouldSayWhyTypeIsNotAvailable(String type) {
        String refusal = fixture.refusal(type + ",id=c");
        assertTrue(refusal.startsWith("chardev type '" + type + "' is not available: it "), refusal);
        assertFalse(fixture.chardevs().typeNames().contains(type));
    }

    @ParameterizedTest
    @DisplayName("CH-40 console is a type of Windows only; tty and parport are no longer types")
    @ValueSource(strings = {"console", "tty", "parport"})
    void shouldNotKnowTypesOfOtherSystems(String type) {
        assertEquals("'" + type + "' is not a valid char driver name", fixture.refusal(type + ",id=c"));
    }
}
