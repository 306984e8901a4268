package org.vportd.guest;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Consoles of a guest that several people or programs use: {@code hvc2} is a text console of the daemon's own, {@code hvc3}
 * a hub of a terminal, memory and a socket, {@code hvc4} shares a socket with the daemon's monitor for people.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class ShareTests {
    private static final Duration TRANSFER = Duration.ofSeconds(40);
    private static final Duration SHORT = Duration.ofSeconds(10);
    private static final int LOG_MAX = 65536;
    private static final Pattern NEWLINE = Pattern.compile("\n");
    private static final Pattern STAMPED =
            Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z( .*)?", Pattern.DOTALL);

    @RegisterExtension
    final KeptRig kept;

    private DaemonMonitor monitor;

    ShareTests(Rig.Starter starter) {
        kept = new KeptRig(
                starter,
                dir -> List.of(
                        "-qmp", "unix:" + dir.resolve("control") + ",server=on,wait=off",
                        "-chardev",
                                "vc,id=vc,cols=80,rows=24,logfile=" + dir.resolve("vc.log")
                                        + ",logmaxsize=64k,logkeep=3,logtimestamp=on",
                        "-chardev", "pty,id=seen,path=" + dir.resolve("seen"),
                        "-chardev", "ringbuf,id=kept,size=4M",
                        "-chardev", "pipe,id=idle,path=" + makePipes(dir.resolve("idle")),
                        "-chardev", "socket,id=late,path=" + dir.resolve("late") + ",server=on,wait=off",
                        "-chardev", "hub,id=hub,chardevs.0=seen,chardevs.1=kept,chardevs.2=idle,chardevs.3=late",
                        "-device", "virtconsole,chardev=vc",
                        "-device", "virtconsole,chardev=hub,buffer=16k",
                        "-virtioconsole", "mon:unix:" + dir.resolve("mon") + ",server=on,wait=off"));
    }

    /** Two FIFOs, the one for output read by nobody, so that it is soon full. */
    private static Path makePipes(Path path) {
        try {
            Process made = new ProcessBuilder("mkfifo", path + ".in", path + ".out")
                    .inheritIO()
                    .start();
            assertEquals(0, made.waitFor());
            return path;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while making FIFOs", e);
        }
    }

    private Rig rig() {
        return kept.rig();
    }

    private String run(String command) {
        return rig().console().run(command, TRANSFER);
    }

    @BeforeEach
    void connectMonitor() throws IOException {
        monitor = DaemonMonitor.connect(path("control"));
        rig().awaitInGuest("(: <>/dev/hvc4) 2>/dev/null", "consoles are missing");
    }

    @AfterEach
    void leaveMonitor() throws IOException {
        monitor.close();
    }

    private Path path(String name) {
        return rig().dir().resolve(name);
    }

    private String startShell(String device) {
        return run("console " + device + " >/dev/null 2>&1 & echo $!");
    }

    private void endShell(String loop, Console shell, String device) {
        String unused = run("kill " + loop);
        shell.send("exit\n");
        rig().awaitInGuest("! fuser " + device + " >/dev/null 2>&1", "shell does not end");
    }

    private String kept(int bytes) {
        Object data = monitor.run("ringbuf-read", "'device': 'kept', 'size': " + bytes + ", 'format': 'base64'");
        return new String(Base64.getDecoder().decode(String.valueOf(data)), UTF_8);
    }

    @Test
    @DisplayName("CH-25 CH-27 a hub's console: one terminal and memory get all, who does not read stops nobody")
    void hubUnderConsole() throws Exception {
        String unused = kept(4 << 20);
        String loop = startShell("/dev/hvc3");
        try (Terminal terminal = Terminal.open(path("seen"))) {
            Console shell = Console.on(terminal, () -> "");
            shell.awaitShell(SHORT);
            assertEquals("/dev/hvc3", shell.run("tty"));

            // More than a FIFO and the port keep; in long lines, as a terminal passes on each line by itself.
            Future<String> printed = rig().inBackground(() ->
                    run("awk 'BEGIN { for (i = 1; i <= 1000; i++) printf \"%0120d\\n\", i }' >/dev/hvc3; echo done"));
            String numbers = readUntil(terminal, "%0120d\n".formatted(1000));
            assertEquals("done", GuestTests.await(printed));
            numbers = numbers.substring(numbers.indexOf("%0120d".formatted(1)));
            assertEquals(1000, numbers.lines().count(), "the terminal misses something");
            assertTrue(kept(4 << 20).replace("\r", "").contains(numbers), "memory misses something");
            try (HostPeer late = HostPeer.connect(path("late"), SHORT)) {
                late.send("printf 'from the %s\\n' socket\n".getBytes(UTF_8), SHORT);
                shell.expect("from the socket", SHORT);
            }
            endShell(loop, shell, "/dev/hvc3");
        }
    }

    /** What comes up to a text, without carriage returns. */
    private static String readUntil(Terminal terminal, String end) throws IOException {
        Deadline deadline = Deadline.after(TRANSFER);
        ByteBuffer part = ByteBuffer.allocate(65536);
        StringBuilder text = new StringBuilder();
        while (text.indexOf(end, Math.max(0, text.length() - 65536 - end.length())) < 0) {
            if (terminal.read(part.clear(), deadline) <= 0) {
                throw new AssertionError("not seen on the terminal: text=" + end + " bytes=" + text.length());
            }
            text.append(new String(part.array(), 0, part.position(), UTF_8).replace("\r", ""));
        }
        return text.substring(0, text.indexOf(end) + end.length());
    }

    @Test
    @DisplayName("CH-26 CH-28 CH-29 a hub's channel: the slow member throttles it, and both get the same")
    void hubUnderChannel() throws Exception {
        for (String id : List.of("fast", "slow")) {
            Object unused = monitor.run(
                    "chardev-add",
                    "'id': '" + id
                            + "', 'backend': {'type': 'socket', 'data': {'addr': {'type': 'unix', 'data': {'path': '"
                            + path(id) + "'}}, 'server': true, 'wait': false}}");
        }
        Object unused = monitor.run(
                "chardev-add", "'id': 'both', 'backend': {'type': 'hub', 'data': {'chardevs': ['fast', 'slow']}}");
        unused = monitor.run(
                "device_add", "'driver': 'virtserialport', 'id': 'both', 'chardev': 'both', 'name': 'both', 'nr': 7");
        rig().awaitInGuest("[ -c /dev/virtio-ports/both ]", "no port has come");
        try (HostPeer fast = HostPeer.connect(path("fast"), SHORT);
                HostPeer slow = HostPeer.connect(path("slow"), SHORT)) {
            assertEquals("up", run("exec 5<>/dev/virtio-ports/both; portwait 5 up 10000"));
            long size = GuestTests.SIZE;
            Future<HostPeer.Transfer> received = rig().inBackground(() -> fast.receive(size, TRANSFER));
            String sender = run("portsend 5 " + size + " 51 >/tmp/sent & echo $!");
            rig().awaitInGuest(GuestTests.PORT_IS_FULL, "port never fills");
            rig().awaitAsleep(sender);
            assertFalse(received.isDone(), "the slow one does not hold the fast one");
            GuestTests.assertTransfer(51, size, slow.receive(size, TRANSFER));
            GuestTests.assertTransfer(51, size, GuestTests.await(received));
            GuestTests.assertTransfer(51, size, run("wait " + sender + "; cat /tmp/sent"));
            slow.leave();
            assertEquals("POLLOUT", run("echo more >&5; portpoll 5 0"), "one member is enough");
            assertEquals("more", fast.receiveLine(SHORT));
            fast.leave();
            assertEquals("down", run("portwait 5 down 10000; exec 5>&-"));
        }
        unused = monitor.run("device_del", "'id': 'both'");
        for (String id : List.of("both", "fast", "slow")) {
            unused = monitor.run("chardev-remove", "'id': '" + id + "'");
        }
    }

    @Test
    @DisplayName("CH-24 console and monitor on one socket: Ctrl-A c goes to and fro while the guest prints")
    void monitorBesideConsole() throws Exception {
        String loop = startShell("/dev/hvc4");
        try (Console shared = Console.connect(path("mon"), SHORT, () -> "")) {
            shared.awaitShell(SHORT);
            String printer = run("while :; do echo printing >/dev/hvc4; usleep 1000; done & echo $!");
            for (int i = 0; i < 5; i++) {
                shared.expect("printing", SHORT);
                shared.send("\1c");
                shared.expect("(vportd) ", SHORT);
                shared.send("info chardev\n");
                shared.expect("hub: filename=", SHORT);
                shared.send("\1c");
                shared.expect("printing", SHORT);
            }
            String unused = run("kill " + printer);
            assertEquals("/dev/hvc4", shared.run("tty"));
            endShell(loop, shared, "/dev/hvc4");
        }
    }

    private List<String> screen() {
        List<String> lines = new ArrayList<>();
        if (monitor.read("vc-read", "'device': 'vc'").get("lines") instanceof List<?> list) {
            list.forEach(line -> lines.add(String.valueOf(line).stripTrailing()));
        }
        return lines;
    }

    private void type(String text) {
        Object unused = monitor.run("vc-type", "'device': 'vc', 'data': '" + text + "'");
    }

    private void awaitScreen(String line) throws IOException {
        assertTrue(Deadline.after(SHORT).await(() -> screen().contains(line)), () -> line + " is not on " + screen());
    }

    /** Escape; busybox's vi takes what follows too soon for the rest of a key's sequence, and drops it. */
    private void endInsertion() throws IOException {
        type("\\u001b");
        assertTrue(
                Deadline.after(SHORT).await(() -> screen().get(23).startsWith("- /tmp/text")),
                () -> screen().toString());
    }

    @Test
    @DisplayName("CD-4.14 a shell on the daemon's own text console, worked by QMP, and an editor that fills its screen")
    void shellOnTextConsole() throws Exception {
        String loop = startShell("/dev/hvc2");
        awaitScreen("guest#");
        type("stty rows 24 cols 80; clear; echo $((6 * 7))\\n");
        awaitScreen("42");
        type("TERM=linux vi /tmp/text\\n");
        awaitScreen("~");
        type("ifirst\\nsecond");
        awaitScreen("second");
        endInsertion();
        type(":1\\nOzeroth");
        awaitScreen("zeroth");
        endInsertion();
        type(":w\\n");
        assertTrue(
                Deadline.after(SHORT).await(() -> "zeroth\nfirst\nsecond".equals(run("cat /tmp/text 2>&1 || :"))),
                () -> screen().toString());
        assertEquals(List.of("zeroth", "first", "second", "~"), screen().subList(0, 4));
        assertTrue(screen().get(23).contains("/tmp/text"), () -> screen().toString());
        type(":q\\n");
        type("clear; echo $((7 * 7))\\n");
        awaitScreen("49");
        String unused = run("kill " + loop);
        type("exit\\n");
        rig().awaitInGuest("! fuser /dev/hvc2 >/dev/null 2>&1", "shell does not end");
    }

    @Test
    @DisplayName("CH-23 the guest's messages in a log with the time, which is rotated")
    void logOfMessages() throws Exception {
        String unused = run(
                "awk 'BEGIN { for (i = 1; i <= 5000; i++) printf \"line %06d\\n\", i; print \"the end\" }' >/dev/hvc2");
        awaitScreen("the end");
        List<String> lines = new ArrayList<>();
        for (String name : List.of("vc.log.3", "vc.log.2", "vc.log.1", "vc.log")) {
            if (Files.exists(path(name))) {
                assertTrue(Files.size(path(name)) <= LOG_MAX, name);
                // An editor puts out carriage returns within lines too.
                NEWLINE.splitAsStream(Files.readString(path(name), ISO_8859_1))
                        .map(String::stripTrailing)
                        .forEach(lines::add);
            }
        }
        for (String line : lines) {
            assertTrue(STAMPED.matcher(line).matches(), line);
        }
        int first = -1;
        for (int i = 0; i < lines.size() && first < 0; i++) {
            first = lines.get(i).contains("line 0") ? i : -1;
        }
        assertTrue(first >= 0 && lines.size() - first > 3000, () -> "kept lines: " + lines.size());
        for (int i = first; i < lines.size() - 1; i++) {
            String expected = "line %06d".formatted(5000 - (lines.size() - 2 - i));
            assertTrue(lines.get(i).endsWith(expected), lines.get(i) + " is not " + expected);
        }
    }
}
