package org.vportd.daemon;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
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
        try (Daemon daemon =
                Daemon.start(loop, ServeCommand.config(arguments(dir)).withoutNotices())) {
            started.complete(null);
            daemon.run();
        } catch (Exception e) {
            started.completeExceptionally(e);
        }
    }

    private static String socketPath(Path dir) {
        return dir.resolve("vportd.sock").toString();
    }

    private static List<String> arguments(Path dir) {
        return List.of(
                "--socket-path=" + socketPath(dir),
                "-chardev",
                "pty,id=con,path=" + dir.resolve("console"),
                "-chardev",
                "socket,id=chan,path=" + dir.resolve("channel.sock") + ",server=on,wait=off",
                "-device",
                "virtconsole,chardev=con",
                "-device",
                "virtserialport,chardev=chan,name=org.vportd.demo,nr=" + CHANNEL);
    }

    /** The command line that would start the same. */
    String commandLine() {
        return "vportd " + String.join(" ", arguments(dir)).replace(" -", " \\\n    -");
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
