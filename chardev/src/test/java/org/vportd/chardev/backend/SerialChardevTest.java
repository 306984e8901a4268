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
import org.vportd.chardev.Exchange;
import org.vportd.chardev.Options;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.SerialLine;
import org.vportd.posix.SerialLine.FlowControl;
import org.vportd.posix.SerialLine.Parameters;
import org.vportd.posix.SerialLine.Parity;
import org.vportd.posix.Terminals;

/** On the slave of a pseudo-terminal, which has parameters but no breaks and no modem lines. */
class SerialChardevTest {
    private static final Parameters USUAL = new Parameters(115_200, 8, Parity.NONE, 1, FlowControl.NONE);

    @TempDir
    private Path folder;

    private ChardevFixture fixture;
    private Peer outside;
    private String path;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
        Terminals.Pty pty = Terminals.openPty();
        outside = fixture.closing(new Peer(pty.master()));
        path = pty.slavePath();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private Parameters parameters() throws PosixException {
        try (Fd line = Posix.open(path, Posix.O_RDWR | Posix.O_NOCTTY | Posix.O_NONBLOCK, 0)) {
            return SerialLine.parameters(line);
        }
    }

    private SerialChardev chardev() {
        return (SerialChardev) fixture.chardevs().all().iterator().next();
    }

    private void change(String options) throws ConfigException {
        fixture.chardevs().change("c", Options.parse(options, "backend", warning -> {}));
    }

    @Test
    @DisplayName("CH-05 serial: 115200 8N1 raw unless asked otherwise; bytes pass unchanged both ways")
    void shouldBeRawWithUsualParameters() throws Exception {
        RecordingHandler front = fixture.front("serial,id=c,path=" + path);
        assertEquals(USUAL, parameters());
        assertEquals("serial", chardev().filename());
        assertEquals(List.of(ChardevEvent.OPENED), front.events());

        outside.write("a\r\n\u0003\u0011\u0013\u0000\u00ff");
        front.write("b\r\n\u0003\u0011\u0013\u0000\u00ff");
        fixture.loop().until("both", () -> front.text().length() == 8);
        assertEquals("a\r\n\u0003\u0011\u0013\u0000\u00ff", front.text());
        fixture.loop().until("output", () -> outside.text().equals("b\r\n\u0003\u0011\u0013\u0000\u00ff"));
    }

    @Test
    @DisplayName("CH-05 serial: baud, stopbits and flow are set, also a speed that has no name")
    void shouldSetParameters() throws Exception {
        fixture.add("serial,id=c,path=" + path + ",baud=31250,stopbits=2,flow=xonxoff,databits=8,parity=none");
        assertEquals(new Parameters(31_250, 8, Parity.NONE, 2, FlowControl.XONXOFF), parameters());
    }

    @Test
    @DisplayName("CH-05 serial: programs that only know named speeds see the one that was asked for")
    void shouldNameTheSpeed() throws Exception {
        for (int baud : new int[] {300, 38_400, 57_600, 115_200, 4_000_000}) {
            fixture.add("serial,id=c" + baud + ",path=" + path + ",baud=" + baud);
            Path said = folder.resolve("speed");
            Process stty = new ProcessBuilder("stty", "-F", path, "speed") // no pipes, whose ends would be counted
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .redirectOutput(said.toFile())
                    .start();
            assertEquals(0, stty.waitFor());
            assertEquals(baud + "\n", Files.readString(said));
            fixture.chardevs().remove("c" + baud);
        }
    }

    @Test
    @DisplayName("CH-05 serial: what the line cannot do is refused, what nobody asked for is not")
    void shouldRefuseWhatLineCannotDo() {
        assertEquals(
                "'" + path + "' cannot do what 'databits' asks for",
                fixture.refusal("serial,id=c,path=" + path + ",databits=7"));
        assertEquals(
                "'" + path + "' cannot do what 'parity' asks for",
                fixture.refusal("serial,id=c,path=" + path + ",parity=odd"));
        assertTrue(fixture.chardevs().all().isEmpty());
    }

    @Test
    @DisplayName("CH-05 serial: texts of what is missing or wrong")
    void shouldRefuseBadOptions() {
        assertEquals("chardev: serial/tty: no device path given", fixture.refusal("serial,id=c"));
        assertEquals(
                "Could not open '/no/tty': No such file or directory", fixture.refusal("serial,id=c,path=/no/tty"));
        assertEquals("'/dev/null' is not a serial line", fixture.refusal("serial,id=c,path=/dev/null"));
        assertEquals("Parameter 'baud' expects a number", fixture.refusal("serial,id=c,baud=fast,path=" + path));
        assertEquals(
                "Parameter 'databits' expects a number from 5 to 8",
                fixture.refusal("serial,id=c,databits=9,path=" + path));
        assertEquals(
                "Parameter 'parity' expects one of 'none', 'even', 'odd'",
                fixture.refusal("serial,id=c,parity=mark,path=" + path));
        assertEquals(
                "Parameter 'flow' expects one of 'none', 'rtscts', 'xonxoff'",
                fixture.refusal("serial,id=c,flow=on,path=" + path));
    }

    @Test
    @DisplayName("CH-05 serial: a hang-up is CLOSED after what came before; output is dropped, and the loop rests")
    void shouldCloseWhenLineHangsUp() throws Exception {
        RecordingHandler front = fixture.front("serial,id=c,path=" + path);
        outside.write("last words");
        outside.close();
        fixture.loop().until("CLOSED", () -> front.count(ChardevEvent.CLOSED) == 1);

        assertEquals(4, front.write("drop"));
        assertEquals(4, front.write("drop"));
        fixture.loop().settle(); // fails if it spins
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), front.events());
        assertEquals(1, fixture.log().size(), fixture.log()::toString);
    }

    @Test
    @DisplayName("CH-05 serial: a line that does not take output holds it, and nothing is lost")
    void shouldCarryEveryByteOnce() throws Exception {
        RecordingHandler front = fixture.attach(fixture.add("serial,id=c,path=" + path));
        try (Exchange exchange = new Exchange(fixture.loop(), front, outside, 77)) {
            exchange.run(2 << 20);
        }
    }

    @Test
    @DisplayName("CH-33 serial: a change to the same line works, a failed one leaves its parameters")
    void shouldBeReplacedOnSameLine() throws Exception {
        RecordingHandler front = fixture.front("serial,id=c,baud=9600,path=" + path);
        assertThrows(ConfigException.class, () -> change("serial,databits=9,path=" + path));
        assertThrows(ConfigException.class, () -> change("serial,baud=300,databits=7,path=" + path));
        assertEquals(9600, parameters().baud());

        change("serial,baud=19200,path=" + path);

        assertEquals(19_200, parameters().baud());
        front.grant(100);
        outside.write("in");
        front.write("out");
        fixture.loop()
                .until("both", () -> front.text().equals("in") && outside.text().equals("out"));
        assertEquals(0, front.count(ChardevEvent.CLOSED));
    }

    @Test
    @DisplayName("CH-05 serial: a break comes behind earlier output and before later output")
    void shouldSendBreak() throws Exception {
        RecordingHandler front = fixture.front("serial,id=c,path=" + path);
        front.write("before");
        chardev().sendBreakToLine();
        assertTrue(chardev().isSendingBreak());
        assertEquals(0, front.write("after"));
        chardev().sendBreakToLine();

        fixture.loop().until("end of the break", () -> front.writableCalls() > 0);
        assertFalse(chardev().isSendingBreak());
        assertEquals(5, front.write("after"));
        fixture.loop().until("output", () -> outside.text().equals("beforeafter"));
        assertEquals(List.of(), fixture.log());
    }

    @Test
    void shouldEndBreakWhenClosed() throws Exception {
        fixture.add("serial,id=c,path=" + path);
        chardev().sendBreakToLine();
        fixture.chardevs().remove("c");
        fixture.loop().settle();
        assertEquals(List.of(), fixture.log());
    }

    @Test
    @DisplayName("CH-05 serial: a line without modem lines says so")
    void shouldTellThatThereAreNoModemLines() throws Exception {
        fixture.add("serial,id=c,path=" + path);
        String message = "Chardev 'c' has no modem lines: Inappropriate ioctl for device";
        assertEquals(
                message,
                assertThrows(ConfigException.class, () -> chardev().modemLines())
                        .getMessage());
        assertEquals(
                message,
                assertThrows(ConfigException.class, () -> chardev().setModemLines(true, false))
                        .getMessage());
    }

    @Test
    void shouldNameModemLines() {
        assertEquals(
                new ModemLines(true, false, true, false, true, false),
                ModemLines.of(SerialLine.TIOCM_DTR | SerialLine.TIOCM_CTS | SerialLine.TIOCM_CAR));
        assertEquals(
                new ModemLines(false, true, false, true, false, true),
                ModemLines.of(SerialLine.TIOCM_RTS | SerialLine.TIOCM_DSR | SerialLine.TIOCM_RNG));
    }
}
