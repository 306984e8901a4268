package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.backend.RingbufChardev;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;

/** What each command answers, to a person and to a program that asks with {@code human-monitor-command}. */
class HumanCommandsTest {
    private MonitorRig rig;
    private @Nullable Person person;
    private @Nullable QmpClient client;

    enum Way {
        PERSON,
        PROGRAM
    }

    @BeforeEach
    void open() throws Exception {
        rig = new MonitorRig();
    }

    @AfterEach
    void close() throws Exception {
        if (person != null) {
            person.close();
        }
        rig.close();
    }

    private void begin(Way way) throws Exception {
        if (way == Way.PERSON) {
            rig.monitors.addHuman(rig.add("socket,id=mon,server=on,wait=off,path=" + rig.path("mon")));
            person = Person.at(rig, "mon");
        } else {
            client = MonitorRig.ready(rig);
        }
    }

    private Person person() {
        return Objects.requireNonNull(person);
    }

    private Chardev chardev(String id) {
        return Objects.requireNonNull(rig.chardevs.find(id));
    }

    private String ask(String line) throws Exception {
        QmpClient program = client;
        if (program == null) {
            return person().ask(line);
        }
        String escaped = line.replace("\\", "\\\\").replace("\"", "\\\"");
        String answer = String.valueOf(program.result(
                "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"" + escaped + "\"}}"));
        assertEquals(answer.replace("\r\n", "\n").replace("\n", "\r\n"), answer, "every line ends with CRLF");
        return answer.replace("\r\n", "\n");
    }

    private static String lines(String... lines) {
        return String.join("\n", lines) + "\n";
    }

    private void silent(String line) throws Exception {
        assertEquals("", ask(line), line);
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("CH-01 CH-41 chardevs are added, listed and removed by people as by programs")
    void chardevsComeAndGo(Way way) throws Exception {
        begin(way);
        String before = ask("info chardev");
        assertTrue(before.startsWith("mon: filename=unix:" + rig.path("mon") + ",server=on"), before);

        silent("chardev-add ringbuf,id=r,size=8");
        assertEquals(before + "r: filename=ringbuf\n", ask("info chardev"));
        assertEquals("Error: Chardev with id 'r' already exists\n", ask("chardev-add null,id=r"));
        silent("chardev-remove r");
        assertEquals("Error: Chardev 'r' not found\n", ask("chardev-remove r"));
        assertEquals("Error: Chardev 'mon' is busy\n", ask("chardev-remove mon"));
        assertEquals(before, ask("info chardev"));
    }

    @ParameterizedTest
    @EnumSource
    void aMultiplexerIsMadeFromTheOptionOfTheCommandLine(Way way) throws Exception {
        begin(way);
        silent("chardev-add ringbuf,id=m,mux=on");

        assertTrue(ask("info chardev").endsWith("m-base: filename=ringbuf\nm: filename=mux\n"));
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("CH-08 whoever adds a pty is told where it is")
    void aPtySaysWhereItIs(Way way) throws Exception {
        begin(way);
        String said = ask("chardev-add pty,id=p");

        assertEquals("char device redirected to " + ptyPath() + " (label p)\n", said);
        assertTrue(ask("chardev-change p pty").matches("char device redirected to /dev/pts/\\d+ \\(label p\\)\n"));
        assertTrue(ask("chardev-add pty,id=m,mux=on")
                .matches("char device redirected to /dev/pts/\\d+ \\(label m-base\\)\n"));
    }

    private String ptyPath() {
        return chardev("p").filename().substring("pty:".length());
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("CH-40 + help in the place of a type lists the types, after a type its options")
    void optionsOfChardevs(Way way) throws Exception {
        begin(way);
        String types = ask("chardev-add help");
        assertTrue(types.startsWith("Available chardev backend types: \n  file\n  hub\n"), types);
        assertEquals(types, ask("chardev-change none ?"));
        String keys = ask("chardev-add ringbuf,help");
        assertTrue(keys.startsWith("ringbuf options:\n  ") && keys.contains("\n  size\n"), keys);
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("CH-05 CH-21 CH-39 errors of chardev-add are QEMU's, without 'Failed to add'")
    void whatCannotBeAddedIsExplained(Way way) throws Exception {
        begin(way);
        String parsing = "Error: Parsing chardev args failed\n";

        assertEquals("Error: chardev: no id specified\n", ask("chardev-add ringbuf"));
        assertEquals("Error: chardev: \"x\" missing backend\n", ask("chardev-add ,id=x"));
        assertEquals("Error: chardev: file: no filename given\n", firstLine("chardev-add file,id=x"));
        assertEquals(
                "Error: Could not open '/x/y': No such file or directory\n",
                firstLine("chardev-add file,id=x,path=/x/y"));
        assertEquals(
                "Error: size of ringbuf chardev must be power of two\ngot 3\n", ask("chardev-add ringbuf,id=x,size=3"));
        assertEquals("Error: 'bogus' is not a valid char driver name\n", firstLine("chardev-add bogus,id=x"));
        String unknown = ask("chardev-add null,id=x,foo=1");
        assertTrue(unknown.startsWith("Invalid parameter 'foo'\nnull accepts: backend, id, "), unknown);
        assertTrue(unknown.endsWith("\n" + parsing), unknown);
        String badId = ask("chardev-add null,id=9x");
        assertTrue(badId.startsWith("Parameter 'id' expects an identifier\nletters, digits, "), badId);
        assertTrue(badId.endsWith("; got '9x'\n" + parsing), badId);
        assertEquals(
                "Parameter 'append' expects 'on' or 'off'\ngot 'maybe'\n" + parsing,
                ask("chardev-add file,id=x,path=/x/y,append=maybe"));
        assertEquals(
                lines(
                        "warning: short-form boolean option 'nowait' deprecated; please use wait=off instead",
                        "Error: chardev: no id specified"),
                ask("chardev-add socket,nowait"));
        assertNull(rig.chardevs.find("x"));
    }

    private String firstLine(String line) throws Exception {
        String answer = ask(line);
        return answer.substring(0, answer.indexOf('\n') + 1);
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("CH-31 chardev-change and its refusals")
    void chardevsAreChanged(Way way) throws Exception {
        begin(way);
        silent("chardev-add ringbuf,id=r");
        silent("chardev-change r null");
        assertTrue(ask("info chardev").endsWith("r: filename=null\n"));

        assertEquals("Error: Chardev 'x' does not exist\n", ask("chardev-change x null"));
        assertEquals("Error: Unexpected 'id' parameter\n", firstLine("chardev-change r null,id=r"));
        assertEquals("Error: Chardev user does not support chardev hotswap\n", ask("chardev-change mon null"));
        assertEquals(
                "Error: size of ringbuf chardev must be power of two\ngot 3\n", ask("chardev-change r ringbuf,size=3"));
        assertTrue(ask("chardev-change r null,foo=1").endsWith("\nError: Parsing chardev args failed\n"));
        assertTrue(ask("info chardev").endsWith("r: filename=null\n"));
    }

    @ParameterizedTest
    @EnumSource
    void aBreakIsSentUnderTwoNames(Way way) throws Exception {
        begin(way);
        silent("chardev-send-break mon");
        silent("sendbreak mon");
        assertEquals("Error: Chardev 'x' not found\n", ask("chardev-send-break x"));
        assertEquals("Error: Chardev 'x' not found\n", ask("sendbreak x"));
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("CH-21 QMP-12 ring buffers are written and read, with what a terminal must not get escaped")
    void ringBuffersAreWrittenAndRead(Way way) throws Exception {
        begin(way);
        silent("chardev-add ringbuf,id=r,size=64");
        silent("ringbuf_write r plain");
        silent("ringbuf_write r \" a\\\"b\\\\c\\nd\\re\\'\"");
        if (rig.chardevs.find("r") instanceof RingbufChardev ring) { // nothing that can be typed
            ring.append(new byte[] {0, 0x1b, '\t', 0x7f, (byte) 0xc3, (byte) 0xa9});
        }

        assertEquals("plain a\"b\\\\c\nd\\u000De'\\u0000\\u001B\t\\u007Fé\n", ask("ringbuf_read r 64"));
        assertEquals("\n", ask("ringbuf-read r 64"), "what has been read has gone");
        silent("ringbuf_write r 0123456789");
        assertEquals("0123\n", ask("ringbuf_read r 0x4"));
        assertEquals("456789\n", ask("ringbuf_read r 4294967295"));
        assertEquals("Error: size must be greater than zero\n", ask("ringbuf_read r 0"));
        assertEquals("Error: Device 'x' not found\n", ask("ringbuf_read x 1"));
        assertEquals("Error: mon is not a ringbuf device\n", ask("ringbuf_write mon data"));
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("QMP-09 QMP-10 devices are added and removed by people")
    void devicesComeAndGo(Way way) throws Exception {
        begin(way);
        silent("device_add virtserialport,id=p1,chardev=c0,name=a.b");
        silent("device_del p1");
        assertEquals(List.of("add virtserialport,id=p1,chardev=c0,name=a.b", "remove p1"), rig.asked);

        assertEquals("Error: Parameter 'driver' is missing\n", ask("device_add id=p1"));
        assertEquals("Error: Parameter 'id' expects an identifier\n", firstLine("device_add virtserialport,id=1"));
        assertEquals("Error: Device 'x' not found\n", ask("device_del x"));
        rig.refusal = new ConfigException("Duplicate device ID 'p1'");
        assertEquals("Error: Duplicate device ID 'p1'\n", ask("device_add virtserialport,id=p1"));
    }

    @ParameterizedTest
    @EnumSource
    void objectsComeAndGo(Way way) throws Exception {
        begin(way);
        silent("object_add tls-creds-x509,id=t,dir=/etc/a,,b,endpoint=server");
        silent("object_del t");
        assertEquals(List.of("object tls-creds-x509 t dir=/etc/a,,b,endpoint=server", "no object t"), rig.asked);

        assertEquals("Error: Parameter 'id' is missing\n", ask("object_add secret"));
        assertEquals("Error: Parameter 'qom-type' is missing\n", ask("object_add id=t"));
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("QMP-13 descriptors need a name and a passed descriptor")
    void descriptorsAreNamedAndClosed(Way way) throws Exception {
        begin(way);
        assertEquals("Error: No file descriptor supplied via SCM_RIGHTS\n", ask("getfd f"));
        assertEquals("Error: File descriptor named 'f' not found\n", ask("closefd f"));
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("CH-25 hubs are joined and left at any time")
    void hubsAreJoinedAndLeft(Way way) throws Exception {
        begin(way);
        silent("chardev-add ringbuf,id=a");
        silent("chardev-add null,id=b");
        silent("chardev-add hub,id=h,chardevs.0=a");
        assertEquals("h: open\n  a: open, writer, slow=throttle, ahead=0, skipped=0\n", ask("info hub"));

        silent("hub-add h b slow=skip,replay=4k");
        assertEquals(
                lines(
                        "h: open",
                        "  a: open, writer, slow=throttle, ahead=0, skipped=0",
                        "  b: closed, writer, slow=skip, ahead=0, skipped=0"),
                ask("info hub"));
        assertEquals("Error: chardev 'b' is already in use\n", ask("hub-add h b"));
        silent("hub-remove h b");
        silent("hub-remove h a");
        assertEquals("h: closed\n", ask("info hub"));
        silent("hub-add h b");

        assertEquals("Error: Chardev 'x' not found\n", ask("hub-add h x"));
        assertEquals("Error: Chardev 'x' not found\n", ask("hub-remove x a"));
        assertEquals("Error: Invalid parameter 'foo'\naccepted: replay, slow\n", ask("hub-add h a foo=1"));
        assertEquals("Error: Parameter 'slow' expects 'throttle' or 'skip'\ngot 'x'\n", ask("hub-add h a slow=x"));
        assertEquals("Error: chardev: device 'a' is not a multiplexer device of 'mux-be' type\n", ask("hub-add a mon"));
        assertEquals("Error: hub: chardev 'a' is not a member of 'h'\n", firstLine("hub-remove h a"));
    }

    @ParameterizedTest
    @EnumSource
    void textConsolesAreReadAndTypedAt(Way way) throws Exception {
        begin(way);
        silent("chardev-add vc,id=v,cols=20,rows=3");
        silent("vc-type v \"ls -l\\n\"");
        assertEquals("v console\n\n\n", ask("vc-read v").replaceAll(" +\n", "\n"));
        assertEquals("Error: mon is not a vc device\n", ask("vc-read mon"));
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("QMP-16 what info can show")
    void informationIsShown(Way way) throws Exception {
        begin(way);
        assertEquals("10.0.0 (vportd test)\n", ask("info version"));
        assertEquals("VM status: running\n", ask("info status"));
        assertEquals("rig\n", ask("info name"));
        assertEquals(
                "bus: vs0.0\n  dev: virtserialport, id \"p1\"\n    port 1, guest on, host off, throttle off\n",
                ask("info qtree"));
        assertEquals("p1: port 1, guest on, host off, throttle off\n", ask("info ports"));
        assertEquals(String.join("\n", rig.chardevs.typeNames()) + "\n", ask("info chardev-backends"));
        silent("info hub");
        assertEquals("unknown command: 'info rabbits'\n", ask("info rabbits"));
    }

    @ParameterizedTest
    @EnumSource
    void helpTellsOfEveryCommand(Way way) throws Exception {
        begin(way);
        String help = ask("help");
        for (String command : List.of(
                "chardev-add args -- ",
                "chardev-change id args -- ",
                "chardev-remove id -- ",
                "chardev-send-break|sendbreak id -- ",
                "closefd name -- ",
                "console_resize console cols rows -- ",
                "device_add [device] -- ",
                "device_del id -- ",
                "getfd name -- ",
                "help|? [cmd] [subcommand] -- ",
                "hub-add hub member [options] -- ",
                "hub-remove hub member -- ",
                "info [subcommand] -- ",
                "object_add object -- ",
                "object_del id -- ",
                "quit|q -- ",
                "ringbuf_read device size -- ",
                "ringbuf_write device data -- ",
                "vc-read device -- ",
                "vc-type device data -- ")) {
            assertTrue(("\n" + help).contains("\n" + command), command + " in " + help);
        }
        assertEquals(20, help.lines().count());
        assertEquals(help, ask("?"));
        assertEquals("quit|q -- end the program\n", ask("help q"));
        assertEquals("info qtree -- show the device tree\n", ask("help info qtree"));
        assertEquals("unknown command: 'quit x'\n", ask("help quit x"));
        assertTrue(ask("help info").contains("\ninfo qtree -- show the device tree\n"));
        assertEquals(
                ask("help info").lines().skip(1).toList(), ask("info").lines().toList());
        assertEquals("unknown command: 'x'\n", ask("help x"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '§',
            value = {
                "bogus;unknown command: 'bogus'",
                "\"quit\";unknown command: '\"quit\"'",
                "chardev-remove;chardev-remove: string expected/chardev-remove",
                "chardev-change;chardev-change: string expected/chardev-change",
                "chardev_change r;chardev-change: string expected/chardev_change",
                "chardev-remove a b;chardev-remove: extraneous characters at the end of line/chardev-remove",
                "q now;quit|q: extraneous characters at the end of line/q",
                "info chardev x;chardev: extraneous characters at the end of line/info chardev",
                "object_add;object_add: string expected/object_add",
                "device_add;Error: Parameter 'driver' is missing",
                "ringbuf_read r;unexpected end of expression/ringbuf_read",
                "ringbuf_read r many;invalid char 'm' in expression/ringbuf_read",
                "ringbuf_read r 5k;ringbuf_read: extraneous characters at the end of line/ringbuf_read",
                "ringbuf_read r -1;'ringbuf_read' has failed: integer is for 32-bit values/ringbuf_read",
                "ringbuf_read r 99999999999999999999;number too large/ringbuf_read",
                "ringbuf_write r \"a;unterminated string/ringbuf_write: string expected/ringbuf_write",
                "ringbuf_write r \"a\\;unterminated string/ringbuf_write: string expected/ringbuf_write",
                "ringbuf_write r \"a\\x\";unsupported escape code: '\\x'/ringbuf_write: string expected/ringbuf_write",
                "ringbuf_write r \"a\"b;ringbuf_write: extraneous characters at the end of line/ringbuf_write",
            })
    @DisplayName("QMP-16 what is no command, or misses words, is refused in the words of QEMU 11.1")
    void aLineThatMakesNoSenseIsRefused(String line, String error) throws Exception {
        begin(Way.PERSON);

        String shown = error.replaceAll("/([^/]*)$", "/Try \"help $1\" for more information");
        assertEquals(shown.replace('/', '\n') + "\n", ask(line));
        assertTrue(!rig.quit);
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("QMP-14 quit ends the program, and programs hear of it first")
    void quitEndsTheProgram(Way way) throws Exception {
        begin(way);
        QmpClient witness = rig.listen("other").connect("other").negotiated();
        if (way == Way.PROGRAM) {
            silent("quit");
        } else {
            person().untilPrompt();
            person().type("q\n");
        }
        rig.until("quit", () -> rig.quit);

        assertEquals("SHUTDOWN", witness.event().get("event"));
    }

    @ParameterizedTest
    @EnumSource
    void anEmptyLineDoesNothing(Way way) throws Exception {
        begin(way);
        silent("");
        silent("   ");
    }

    @Test
    @DisplayName("QMP-13 a descriptor that a person's program passes is there for its commands")
    void aPassedDescriptorIsUsed() throws Exception {
        begin(Way.PERSON);
        try (Fd file = Posix.memoryFile("passed", 1)) {
            person().untilPrompt();
            person().forget().type("getfd f\n", file);
            assertEquals("getfd f\r\n" + Person.PROMPT, person().untilPrompt());
            silent("object_add secret,id=s,fd=f");
            assertEquals(List.of("object secret s fd=f with its descriptor"), rig.asked);
            assertEquals("Error: File descriptor named 'f' not found\n", ask("closefd f"), "it has been used");

            assertEquals("Error: Parameter 'fdname' expects a name not starting with a digit\n", refusedName(file));
            person().forget().type("getfd g\n", file);
            person().untilPrompt();
            silent("closefd g");
            assertEquals("Error: File descriptor named 'g' not found\n", ask("closefd g"));
        }
    }

    private String refusedName(Fd descriptor) throws Exception {
        person().forget().type("getfd 1f\n", descriptor);
        return person().untilPrompt()
                .replace("\r\n", "\n")
                .replace("getfd 1f\n", "")
                .replace(Person.PROMPT, "");
    }
}
