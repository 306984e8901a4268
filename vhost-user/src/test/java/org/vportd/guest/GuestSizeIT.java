package org.vportd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Terminals of real guests follow the size of windows on the host; and the number of queues has to fit. */
@Tag("guest")
class GuestSizeIT {
    private static final Duration START = Duration.ofSeconds(10);
    private static final Duration BOOT = Duration.ofSeconds(60);
    private static final Duration END = Duration.ofSeconds(5);
    private static final Pattern PTY = Pattern.compile("char device redirected to (\\S+) \\(label pty\\)");

    @TempDir
    private Path dir;

    enum Kind {
        QEMU,
        USER_MODE_LINUX
    }

    private Path socket() {
        return dir.resolve("vhost");
    }

    private Guest start(Kind kind, int maxPorts) throws IOException {
        return kind == Kind.QEMU ? Guest.qemu(socket(), dir, 2 * (maxPorts + 1)) : Guest.uml(socket(), dir);
    }

    private static void resize(Path terminal, int columns, int rows) throws Exception {
        Process stty = new ProcessBuilder("stty", "-F", terminal.toString(), "cols", "" + columns, "rows", "" + rows)
                .inheritIO()
                .start();
        if (!stty.waitFor(START.toSeconds(), TimeUnit.SECONDS) || stty.exitValue() != 0) {
            throw new AssertionError("cannot set the size: terminal=" + terminal);
        }
    }

    /** Waits until a terminal of the guest has a size, and returns the one it has. */
    private static String awaitSize(Console console, String terminal, String rowsAndColumns) {
        String size = "$(stty size <" + terminal + " 2>&1)";
        return console.run("n=0; until [ \"" + size + "\" = \"" + rowsAndColumns
                + "\" ] || [ $n = 500 ]; do n=$((n + 1)); usleep 20000; done; echo \"" + size + "\"");
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("VS-41 consoles have the size of their windows from the start, and follow it")
    void shouldFollowWindowsWhenThereAreManyPorts(Kind kind) throws Exception {
        GuestFiles unused = GuestFiles.require();
        DaemonProcess daemon = DaemonProcess.start(
                socket(),
                dir,
                List.of(
                        "-chardev", "socket,id=c0,path=" + dir.resolve("c0") + ",server=on,wait=off",
                        "-chardev", "pty,id=pty",
                        "-chardev", "vc,id=vc,cols=100,rows=40",
                        "-device", "vhost-user-serial,max_ports=4,size=on",
                        "-device", "virtconsole,chardev=c0",
                        "-device", "virtconsole,chardev=pty",
                        "-device", "virtconsole,chardev=vc"));
        Path pty = Path.of(daemon.awaitLog(PTY, START).group(1));
        try (Console console = Console.connect(dir.resolve("c0"), START, () -> "");
                Console second = Console.on(Terminal.open(pty), () -> "")) {
            resize(pty, 132, 43);
            try (Guest guest = start(kind, 4)) {
                console.awaitShell(BOOT);
                assertEquals("40 100", awaitSize(console, "/dev/hvc2", "40 100"), guest::tail);
                assertEquals("43 132", awaitSize(console, "/dev/hvc1", "43 132"), guest::tail);
                resize(pty, 90, 25);
                second.send("\n"); // who types is looked at sooner
                assertEquals("25 90", awaitSize(console, "/dev/hvc1", "25 90"), guest::tail);
            }
        } finally {
            assertEquals(0, daemon.terminate(END));
        }
    }

    @Test
    @DisplayName(
            "VS-41 the only console of a device without control queues follows its window, also before there is a driver")
    void shouldFollowWindowWhenThereIsOnePort() throws Exception {
        GuestFiles unused = GuestFiles.require();
        DaemonProcess daemon = DaemonProcess.start(
                socket(),
                dir,
                List.of(
                        "-chardev", "pty,id=pty",
                        "-device", "vhost-user-serial,max_ports=1,size=on",
                        "-device", "virtconsole,chardev=pty"));
        Path pty = Path.of(daemon.awaitLog(PTY, START).group(1));
        try (Console console = Console.on(Terminal.open(pty), () -> "")) {
            try (Guest guest = start(Kind.QEMU, 1)) {
                MatchResult unusedMatch = daemon.awaitLog(Pattern.compile("front-end connected"), START);
                for (int columns = 127; columns <= 132; columns++) { // QEMU would not survive to hear of it now
                    resize(pty, columns, 43);
                }
                console.awaitShell(BOOT);
                assertEquals("43 132", awaitSize(console, "/dev/hvc0", "43 132"), guest::tail);
                resize(pty, 90, 25);
                assertEquals("25 90", awaitSize(console, "/dev/hvc0", "25 90"), guest::tail);
            }
        } finally {
            assertEquals(0, daemon.terminate(END));
        }
    }

    @Test
    @DisplayName("SEC-45 QEMU with more queues than the device has says so and ends; the device goes on")
    void shouldRefuseGuestWhenItHasTooManyQueues() throws Exception {
        GuestFiles unused = GuestFiles.require();
        DaemonProcess daemon = DaemonProcess.start(socket(), dir, List.of("-device", "vhost-user-serial,max_ports=4"));
        try (Guest guest = start(Kind.QEMU, 12)) {
            assertEquals(1, guest.awaitExit(START), guest::tail);
            MatchResult unusedMatch = daemon.awaitLog(
                    Pattern.compile("no such queue: queue=10 queues=10 \\(num_vqs and max_ports must agree\\)"), START);
            unusedMatch = daemon.awaitLog(Pattern.compile("front-end has left"), START);
        } finally {
            assertEquals(0, daemon.terminate(END));
        }
    }
}
