package org.vportd.daemon;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.vportd.chardev.Options;
import org.vportd.loop.EventLoop;

/** A daemon in a thread of this process, started from the options that a user would type. */
final class DemoDaemon implements AutoCloseable {
    static final int CONSOLE = 0;
    static final int CHANNEL = 1;

    private final EventLoop loop;
    private final Path dir;
    private final Thread thread;

    private DemoDaemon(EventLoop loop, Path dir, Thread thread) {
        this.loop = loop;
        this.dir = dir;
        this.thread = thread;
    }

    static DemoDaemon start(Path dir) throws Exception {
        EventLoop loop = EventLoop.open();
        CompletableFuture<Void> started = new CompletableFuture<>();
        Thread thread = new Thread(() -> run(loop, dir, started), "vportd-loop");
        thread.start();
        try {
            started.get();
        } catch (ExecutionException e) {
            thread.join();
            loop.close();
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
        return new DemoDaemon(loop, dir, thread);
    }

    private static void run(EventLoop loop, Path dir, CompletableFuture<Void> started) {
        try (Daemon daemon = Daemon.start(loop, config(dir))) {
            started.complete(null);
            daemon.run();
        } catch (Exception e) {
            started.completeExceptionally(e);
        }
    }

    private static DaemonConfig config(Path dir) throws Exception {
        return new DaemonConfig(
                null,
                null,
                false,
                null,
                (byte) 1,
                List.of(),
                chardevs(dir).stream()
                        .map(text -> ChardevConfig.of(parse(text, "backend")))
                        .toList(),
                List.of(),
                DevicesConfig.of(
                        devices().stream().map(text -> parse(text, "driver")).toList(),
                        SocketConfig.at(socketPath(dir))),
                1,
                0,
                false,
                List.of());
    }

    private static Options parse(String text, String impliedKey) {
        return Options.parse(text, impliedKey, warning -> {});
    }

    private static String socketPath(Path dir) {
        return dir.resolve("vportd.sock").toString();
    }

    private static List<String> chardevs(Path dir) {
        return List.of(
                "pty,id=con,path=" + dir.resolve("console"),
                "socket,id=chan,path=" + dir.resolve("channel.sock") + ",server=on,wait=off");
    }

    private static List<String> devices() {
        return List.of("virtconsole,chardev=con", "virtserialport,chardev=chan,name=org.vportd.demo,nr=" + CHANNEL);
    }

    /** The command line that would start the same. */
    String commandLine() {
        StringBuilder line = new StringBuilder("vportd --socket-path=" + socketPath());
        chardevs(dir).forEach(text -> line.append(" \\\n    -chardev ").append(text));
        devices().forEach(text -> line.append(" \\\n    -device ").append(text));
        return line.toString();
    }

    String socketPath() {
        return socketPath(dir);
    }

    Path consoleTerminal() {
        return dir.resolve("console");
    }

    Path channelSocket() {
        return dir.resolve("channel.sock");
    }

    @Override
    public void close() {
        loop.stop();
        try {
            thread.join();
            loop.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
