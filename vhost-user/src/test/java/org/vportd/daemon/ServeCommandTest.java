package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.loop.EventLoop;

/** Exit statuses: what is wrong with the command line ends the program with 2, what the system refuses with 1. */
class ServeCommandTest {
    private static final int OK = 0;
    private static final int FAILED = 1;
    private static final int USAGE = 2;

    @TempDir
    private Path directory;

    private Path socket() {
        return directory.resolve("v.sock");
    }

    /** Runs with a socket, and what else is given. */
    private int serve(String line) {
        List<String> args = new ArrayList<>(List.of("--socket-path=" + socket()));
        args.addAll(List.of(line.replace("DIR", directory.toString()).split(" ", -1)));
        return Main.run(args.toArray(new String[0]));
    }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "-help", "-h", "--version", "-version", "--print-capabilities"})
    void shouldSucceedWhenOnlyAsked(String option) {
        assertEquals(OK, Main.run(option));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-chardev help",
                "-chardev ?",
                "-chardev help,id=a",
                "-chardev socket,help",
                "-chardev backend=null,id=a,help",
                "-device help",
                "-device virtconsole,help",
                "-device vhost-user-serial,?",
                "-object help",
                "-object secret,help"
            })
    void shouldSucceedWhenOptionIsAskedAbout(String line) {
        assertEquals(OK, Main.run(line.split(" ", -1)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-chardev bogus,help", "-device bogus,help", "-object bogus,help"})
    void shouldExitWithUsageErrorWhenUnknownThingIsAskedAbout(String line) {
        assertEquals(USAGE, Main.run(line.split(" ", -1)));
    }

    @Test
    void shouldPrintCapabilitiesWhateverElseIsAskedFor() {
        assertEquals(OK, Main.run("--socket-path=/nowhere/at/all", "--print-capabilities", "--nonsense"));
    }

    @Test
    void shouldExitWithUsageErrorWhenThereIsNoSocketOrTwo() {
        assertEquals(USAGE, Main.run());
        assertEquals(USAGE, serve("--fd=3"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--nonsense",
                "--fd=x",
                "--socket-mode=9",
                "--socket-mode=1000",
                "--log-level=loud",
                "-device nope",
                "-device virtserialport,nr=0",
                "-device virtserialport,nr=31",
                "-device virtio-serial,max_ports=0",
                "-device virtio-serial,max_ports=512",
                "-device virtserialport,nr=1 -device virtserialport,nr=1",
                "-device virtconsole,name=a -device virtserialport,name=a",
                "-device virtconsole,chardev=none",
                "-chardev null,id=a -device virtconsole,chardev=a -device virtconsole,chardev=a",
                "-chardev null",
                "-chardev bogus,id=a",
                "-chardev null,id=a -chardev null,id=a",
                "-chardev file,id=a",
                "-chardev null,id=a,foo=bar",
                "-device {\"driver\":\"virtserialport\",\"nr\":-1}",
                "-object {\"qom-type\":\"secret\",\"id\":\"s\"}",
                "-name guest=x,colour=red"
            })
    void shouldExitWithUsageErrorWhenOptionsAreWrong(String line) {
        assertEquals(USAGE, serve(line));
        assertFalse(Files.exists(socket()), "a socket was made");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"-chardev file,id=a,path=DIR/no/such/directory", "-chardev pipe,id=a,path=DIR/no-such-pipe"})
    void shouldExitWithFailureWhenChardevCannotBeOpened(String line) {
        assertEquals(FAILED, serve(line));
        assertFalse(Files.exists(socket()), "a socket was made");
    }

    @Test
    void shouldExitWithFailureWhenDescriptorIsNoSocket() {
        assertEquals(FAILED, Main.run("--fd=65000"));
    }

    @Test
    void shouldExitWithFailureWhenSocketCannotBeMade() throws IOException {
        assertEquals(FAILED, Main.run("--socket-path=" + directory.resolve("no/such/directory")));
        Files.writeString(socket(), "precious");
        assertEquals(FAILED, serve("--once"));
        assertEquals("precious", Files.readString(socket()));
    }

    @Test
    void shouldLeaveNothingBehindWhenSomethingFailsHalfWay() throws IOException {
        Path file = directory.resolve("out");
        assertEquals(
                USAGE,
                serve("-chardev file,id=a,path=" + file
                        + " -device virtconsole,chardev=a -device virtconsole,chardev=b"));
        assertTrue(Files.exists(file)); // it had been opened before
        assertFalse(Files.exists(socket()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"--once=false", "--once"})
    @DisplayName("the first front-end that leaves ends the program if that is wanted")
    void shouldStayOrEndWhenFrontendLeaves(String once) throws Exception {
        try (DaemonThread daemon = new DaemonThread(List.of("--socket-path=" + socket(), once))) {
            new EchoGuest(socket(), 1).close();
            if (once.equals("--once")) {
                daemon.awaitEnd();
                assertFalse(Files.exists(socket()));
            } else {
                new EchoGuest(socket(), 1).close(); // which fails if nobody serves it
            }
        }
    }

    @Test
    @DisplayName("CH-10 + told to end while it waits for a client, it does not begin to serve")
    void shouldNotBeginWhenEndedWhileItWaits() throws Exception {
        DaemonConfig config = ServeCommand.config(List.of(
                "--socket-path=" + socket(),
                "-chardev",
                "socket,id=c,server=on,path=" + directory.resolve("c"),
                "-device",
                "virtserialport,chardev=c"));
        try (EventLoop loop = EventLoop.open()) {
            loop.stop();
            try (Daemon daemon = Daemon.start(loop, config)) {
                assertFalse(Files.exists(socket()));
                assertEquals(OK, daemon.run());
            }
        }
    }
}
