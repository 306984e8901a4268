package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.backend.RingbufChardev;
import org.vportd.monitor.line.LineEditor;
import org.vportd.posix.Posix;

class HumanSessionTest {
    private static final String GREETING = "vportd test monitor - type 'help' for more information\r\n";

    private MonitorRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new MonitorRig();
    }

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    private Chardev listen() throws ConfigException {
        Chardev chardev = rig.add("socket,id=mon,server=on,wait=off,path=" + rig.path("mon"));
        rig.monitors.addHuman(chardev);
        return chardev;
    }

    private RingbufChardev ringbuf() throws ConfigException {
        return (RingbufChardev) rig.add("ringbuf,id=r");
    }

    @Test
    void whoeverComesIsGreetedAndPrompted() throws Exception {
        Chardev chardev = listen();
        try (Person person = Person.at(rig, "mon")) {
            assertEquals(GREETING + Person.PROMPT, person.untilPrompt());
            assertTrue(chardev.isFrontendOpen());
        }
    }

    @Test
    void theChardevOfAMonitorHasNoPlaceForAnother() throws Exception {
        Chardev chardev = listen();

        ConfigException refused = assertThrows(ConfigException.class, () -> rig.monitors.addHuman(chardev));
        assertEquals("chardev 'mon' is already in use", refused.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r", "\r\n"})
    void aProgramThatSendsALineAndNothingMoreGetsTheAnswer(String lineEnd) throws Exception {
        listen();
        try (Person person = Person.at(rig, "mon")) {
            person.type("info status" + lineEnd);
            person.typeNoMore();
            rig.until("the end", person::hasEnded);

            assertEquals(
                    GREETING + Person.PROMPT + "info status\r\nVM status: running\r\n" + Person.PROMPT, person.seen());
        }
    }

    @Test
    void aProgramThatLeavesAtOnceHasItsCommandsCarriedOut() throws Exception {
        listen();
        RingbufChardev ring = ringbuf();
        try (Person person = Person.at(rig, "mon")) {
            person.type("ringbuf_write r abc\nringbuf_write r def\n");
        }
        rig.until("both commands", () -> ring.size() == 6);
    }

    @Test
    void whoComesNextFindsAnEmptyLineAndTheHistory() throws Exception {
        listen();
        try (Person first = Person.at(rig, "mon")) {
            first.ask("info status");
            first.forget().type("qui");
            first.until("qui");
        }
        try (Person second = Person.at(rig, "mon")) {
            assertEquals(GREETING + Person.PROMPT, second.untilPrompt());
            second.type("\n");
            rig.until("a prompt", () -> second.seen().endsWith("\r\n" + Person.PROMPT));
            second.type("\033[A");
            second.until("info status");
            second.type("\n");
            second.until("VM status: running\r\n" + Person.PROMPT);
        }
        assertFalse(rig.quit);
    }

    @Test
    @DisplayName("CH-07 a person at a pty edits, completes and repeats lines")
    void aPersonAtAPty() throws Exception {
        Chardev chardev = rig.add("pty,id=mon");
        rig.monitors.addHuman(chardev);
        RingbufChardev ring = ringbuf();
        String path = chardev.filename().substring("pty:".length());
        try (Person person = new Person(rig, Posix.open(path, Posix.O_RDWR | Posix.O_NOCTTY | Posix.O_NONBLOCK, 0))) {
            person.untilPrompt();
            person.type("inf\tstaX\177\t\033");
            rig.until("completed", () -> person.screen().line().equals("(vportd) info status |"));
            person.type("[D\001\013ringbuf_w\tr\tabc\n");
            person.until("abc\r\n" + Person.PROMPT);
            person.type("\033[A\033[Dd");
            rig.until("edited", () -> person.screen().line().equals("(vportd) ringbuf_write r abd|c"));
            person.type("\n");
            person.until("\r\n" + Person.PROMPT);
            assertEquals(
                    List.of(
                            "vportd test monitor - type 'help' for more information",
                            "(vportd) ringbuf_write r abc",
                            "(vportd) ringbuf_write r abdc",
                            "(vportd)"),
                    person.screen().rows());
        }
        assertEquals("abcabdc", new String(ring.read(99), StandardCharsets.UTF_8));
    }

    @Test
    @DisplayName("CH-16 a person with a telnet client")
    void aPersonWithATelnetClient() throws Exception {
        rig.monitors.addHuman(rig.add("socket,id=mon,server=on,wait=off,telnet=on,path=" + rig.path("mon")));
        try (Person person = Person.at(rig, "mon")) {
            person.untilPrompt();
            person.forget().type("info status\r\0");
            assertEquals("info status\r\nVM status: running\r\n" + Person.PROMPT, person.untilPrompt());
            person.forget().type("info status\r\n");
            assertEquals("info status\r\nVM status: running\r\n" + Person.PROMPT, person.untilPrompt());
        }
    }

    @Test
    @DisplayName("CH-24 a monitor and another front-end take turns on one chardev")
    void aMonitorBehindAMultiplexer() throws Exception {
        Chardev mux = rig.add("socket,id=m,mux=on,server=on,wait=off,path=" + rig.path("m"));
        rig.monitors.addHuman(mux);
        rig.monitors.addQmp(mux, false); // the last one has the focus
        try (Person person = Person.at(rig, "m")) {
            rig.until("the other's greeting", () -> person.seen().contains("\"QMP\""));
            rig.settle();
            assertFalse(person.seen().contains(Person.PROMPT), person.seen());

            person.forget().type("\001c");
            assertEquals(GREETING + Person.PROMPT, person.untilPrompt());
            person.type("info st");
            person.until("info st");

            person.forget().type("\001c{\"execute\": \"qmp_capabilities\"}");
            assertEquals("\r\n{\"return\": {}}\r\n", person.until("}\r\n"));

            person.forget().type("\001c");
            assertEquals(Person.PROMPT + "info st", person.until("info st"));
            person.forget().type("atus\n");
            assertEquals("atus\r\nVM status: running\r\n" + Person.PROMPT, person.untilPrompt());
        }
    }

    @Test
    @DisplayName("CH-24 a line that comes together with the key that brings the focus is answered")
    void aLineRightBehindTheKeyToTheMonitor() throws Exception {
        Chardev mux = rig.add("socket,id=m,mux=on,server=on,wait=off,path=" + rig.path("m"));
        rig.monitors.addHuman(mux);
        rig.monitors.addQmp(mux, false);
        try (Person person = Person.at(rig, "m")) {
            rig.until("the other's greeting", () -> person.seen().contains("\"QMP\""));
            person.forget().type("\001cinfo status\n");
            String answer = "info status\r\nVM status: running\r\n" + Person.PROMPT;
            assertEquals(GREETING + Person.PROMPT + answer, person.until(answer));
        }
    }

    @Test
    void aMonitorWithTheFocusGreetsWhoeverConnectsToTheMultiplexer() throws Exception {
        Chardev mux = rig.add("socket,id=m,mux=on,server=on,wait=off,path=" + rig.path("m"));
        rig.monitors.addHuman(mux);
        for (int i = 0; i < 2; i++) {
            try (Person person = Person.at(rig, "m")) {
                assertEquals(GREETING + Person.PROMPT, person.untilPrompt());
            }
        }
    }

    @Test
    @DisplayName("QMP-15 a person who does not read holds up nobody else, and loses nothing")
    void whoeverDoesNotReadIsNotServedMeanwhile() throws Exception {
        listen();
        RingbufChardev ring = ringbuf();
        try (Person lazy = Person.at(rig, "mon")) {
            int lines = 0;
            int idle = 0;
            while (idle < 20) {
                int n = lazy.type("ringbuf_write r x\nhelp\n");
                assertTrue(n == 0 || n == 23, "a line was cut by the socket: n=" + n);
                lines += n / 23;
                idle = n == 0 ? idle + 1 : 0;
                rig.loop.turn(0);
            }
            rig.settle();
            int asked = lines;
            assertTrue(ring.size() < asked, "all of " + asked + " lines were carried out unread");
            rig.listen("other").connect("other").negotiated();

            rig.until("all answers", () -> lazy.seen().split("quit\\|q --", -1).length == asked + 1);
            lazy.untilPrompt();
            assertEquals(asked, ring.size());
        }
    }

    @Test
    void aLineThatIsTooLongIsNotCarriedOutInPart() throws Exception {
        listen();
        RingbufChardev ring = ringbuf();
        try (Person person = Person.at(rig, "mon")) {
            person.untilPrompt();
            person.type("ringbuf_write r " + "x".repeat(LineEditor.MAX_LENGTH) + "\n");
            person.until("Error: line too long\r\na line has " + LineEditor.MAX_LENGTH + " characters at most\r\n"
                    + Person.PROMPT);
            assertEquals(0, ring.size());
            assertEquals("VM status: running\n", person.ask("info status"));
        }
    }

    @Test
    void aMonitorThatIsClosedLetsItsChardevGo() throws Exception {
        Chardev chardev = listen();
        try (Person person = Person.at(rig, "mon")) {
            person.untilPrompt();
            rig.monitors.close();
            assertFalse(chardev.isBusy());
            rig.chardevs.remove("mon");
            rig.until("the end", person::hasEnded);
        }
    }
}
