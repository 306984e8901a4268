package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The packaged program as a user starts it: launcher script and self-contained jar. */
@Timeout(60)
class LauncherIT {
    private static final Path INSTALLED = Path.of("target/vportd").toAbsolutePath();
    private static final Path LAUNCHER = INSTALLED.resolve("bin/vportd");
    private static final Path JAR = Path.of("target/vportd.jar").toAbsolutePath();
    private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

    @TempDir
    Path dir;

    private record Result(int status, String out, String err) {}

    private Result run(String... command) throws Exception {
        return run(new ProcessBuilder(command));
    }

    private Result run(ProcessBuilder builder) throws Exception {
        Path out = dir.resolve("out");
        Path err = dir.resolve("err");
        Process process =
                builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        try {
            assertTrue(process.waitFor(45, TimeUnit.SECONDS), "did not end: " + builder.command());
            return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
        } finally {
            process.destroyForcibly();
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> paths = Files.walk(from)) {
            for (Path path : (Iterable<Path>) paths::iterator) {
                Files.copy(path, to.resolve(from.relativize(path).toString()), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }

    @Test
    void shouldPrintNothingButCapabilitiesWhenAsked() throws Exception {
        String json = "{\"type\": \"console\", \"features\": [\"multiport\"]}\n";
        assertEquals(new Result(0, json, ""), run(LAUNCHER.toString(), "--nonsense", "--print-capabilities"));
        assertEquals(new Result(0, json, ""), run(JAVA.toString(), "-jar", JAR.toString(), "--print-capabilities"));
    }

    @Test
    void shouldTellVersionAndHelpWithExamples() throws Exception {
        Result version = run(LAUNCHER.toString(), "--version");
        assertEquals(0, version.status());
        assertTrue(version.out().matches("vportd \\d+\\.\\d+.*\n"), version.out());
        Result help = run(LAUNCHER.toString(), "--help");
        assertEquals(0, help.status());
        assertTrue(help.out().contains("-device virtserialport,chardev=agent"), help.out());
    }

    @Test
    void shouldExitWith2AndOneClearLineWhenAnOptionIsWrong() throws Exception {
        Result result = run(LAUNCHER.toString(), "--socket-path=" + dir.resolve("s"), "-chardev", "nul,id=c");
        assertEquals(2, result.status());
        assertEquals("", result.out());
        assertEquals(1, result.err().lines().count(), result.err());
        assertTrue(result.err().contains("-chardev nul,id=c: 'nul' is not a valid char driver name"), result.err());
    }

    @Test
    void shouldExitWith1WhenTheSystemRefuses() throws Exception {
        Path missing = dir.resolve("missing").resolve("file");
        Result result =
                run(LAUNCHER.toString(), "--socket-path=" + dir.resolve("s"), "-chardev", "file,id=c,path=" + missing);
        assertEquals(1, result.status());
        assertTrue(result.err().contains("Could not open '" + missing + "': No such file or directory"), result.err());
        assertFalse(Files.exists(dir.resolve("s"), LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    @DisplayName("SEC-105 SIGTERM ends it, sockets and links removed, also while a front-end says half a message")
    void shouldRemoveSocketsAndLinksAndExitWith0WhenTerminated() throws Exception {
        Path socket = dir.resolve("front.sock");
        Path chardev = dir.resolve("chan.sock");
        Path terminal = dir.resolve("terminal");
        Path monitor = dir.resolve("qmp.sock");
        List<String> lines = new ArrayList<>();
        Process daemon = new ProcessBuilder(
                        LAUNCHER.toString(),
                        "--socket-path=" + socket,
                        "-chardev",
                        "pty,id=c0,path=" + terminal,
                        "-chardev",
                        "socket,id=c1,path=" + chardev + ",server=on,wait=off",
                        "-qmp",
                        "unix:" + monitor + ",server=on,wait=off",
                        "-device",
                        "virtconsole,chardev=c0",
                        "-device",
                        "virtserialport,chardev=c1")
                .redirectErrorStream(true)
                .start();
        try (BufferedReader output = daemon.inputReader(StandardCharsets.UTF_8);
                SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX);
                SocketChannel frontend = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            readUntil(output, "virtio_uml.device=" + socket + ":3", lines);
            String said = String.join("\n", lines);
            assertTrue(said.contains("char device redirected to /dev/pts/"), said);
            assertTrue(said.contains("num_vqs=64,config_size=12"), said);
            assertTrue(Files.exists(socket) && Files.exists(chardev) && Files.exists(terminal), said);
            client.connect(UnixDomainSocketAddress.of(monitor));
            client.write(ByteBuffer.wrap("{'execute': 'qmp_capabilities'}".getBytes(StandardCharsets.UTF_8)));
            BufferedReader qmp = new BufferedReader(Channels.newReader(client, StandardCharsets.UTF_8));
            readUntil(qmp, "\"return\"", new ArrayList<>());
            frontend.connect(UnixDomainSocketAddress.of(socket));
            frontend.write(ByteBuffer.allocate(5));
            readUntil(output, "front-end connected", lines);
            daemon.destroy();
            readUntil(qmp, "host-signal", new ArrayList<>());
            assertTrue(daemon.waitFor(5, TimeUnit.SECONDS), "did not end");
            assertEquals(0, daemon.exitValue());
        } finally {
            daemon.destroyForcibly();
        }
        for (Path path : List.of(socket, chardev, terminal, monitor)) {
            assertFalse(Files.exists(path, LinkOption.NOFOLLOW_LINKS), path.toString());
        }
    }

    @Test
    @DisplayName("CH-22 + streams that are closed stay empty: no file of the JVM takes their place")
    void shouldNotTakeFilesOfTheJvmForClosedStreams() throws Exception {
        String command = "exec \"$0\" \"$1\" -virtioconsole stdio <&- >&- 2>&-";
        Process daemon = new ProcessBuilder(
                        "sh", "-c", command, LAUNCHER.toString(), "--socket-path=" + dir.resolve("s"))
                .start();
        try {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (!Files.exists(dir.resolve("s"))) {
                assertTrue(daemon.isAlive() && System.nanoTime() < end, "did not start");
                TimeUnit.MILLISECONDS.sleep(10);
            }
            for (int number = 0; number <= 2; number++) {
                Path stream = Path.of("/proc", String.valueOf(daemon.pid()), "fd", String.valueOf(number));
                assertEquals(Path.of("/dev/null"), Files.readSymbolicLink(stream));
            }
        } finally {
            daemon.destroy();
            assertTrue(daemon.waitFor(10, TimeUnit.SECONDS), "did not end");
        }
    }

    private static void readUntil(BufferedReader output, String text, List<String> lines) throws IOException {
        String line;
        do {
            line = output.readLine();
            assertTrue(line != null, "ended early: " + lines);
            lines.add(line);
        } while (!line.contains(text));
    }

    @Test
    void shouldRunFromWhereverItIsMovedAndLinkedToWithoutHomeAndWithMoreOptions() throws Exception {
        Path moved = dir.resolve("moved here");
        copy(INSTALLED, moved);
        Path link = Files.createSymbolicLink(dir.resolve("link"), moved.resolve("bin/vportd"));
        try (Stream<Path> paths = Files.walk(moved)) {
            paths.forEach(path -> path.toFile().setWritable(false));
        }
        ProcessBuilder builder = new ProcessBuilder(link.toString(), "--version");
        builder.environment().remove("HOME");
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("VPORTD_JAVA_OPTS", "-Xmx64m -Dsome.thing=else");
        try {
            Result result = run(builder);
            assertEquals("", result.err());
            assertEquals(0, result.status());
        } finally {
            try (Stream<Path> paths = Files.walk(moved)) {
                paths.forEach(path -> path.toFile().setWritable(true));
            }
        }
    }

    @Test
    void shouldTakeNearlyAllClassesFromTheArchiveOfItsBuild() throws Exception {
        Path log = dir.resolve("classes");
        ProcessBuilder builder = new ProcessBuilder(
                LAUNCHER.toString(), "--socket-path=" + dir.resolve("s"), "-chardev", "null,id=c", "-mon", "nothing");
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("VPORTD_JAVA_OPTS", "-Xlog:class+load:file=" + log);
        Path archive = INSTALLED.resolve("lib/vportd-" + Runtime.version().feature() + ".jsa");
        assumeTrue(Files.exists(archive), "the build has made no archive for this JDK");
        run(builder);
        List<String> classes = Files.readAllLines(log);
        long archived = classes.stream()
                .filter(line -> line.contains("shared objects file"))
                .count();
        assertTrue(archived > classes.size() * 9L / 10, archived + " of " + classes.size());
    }

    @Test
    void shouldTellTheDemoToItsEnd() throws Exception {
        Result result = run(LAUNCHER.toString(), "demo");
        assertEquals(0, result.status(), result.err());
        assertEquals("", result.err());
        assertTrue(result.out().contains("bytes arrived in order"), result.out());
        assertTrue(result.out().contains("Guest to host: "), result.out());
        assertTrue(result.out().contains("The demo ends here."), result.out());
    }
}
