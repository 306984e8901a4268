package org.vportd.guest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A terminal program on a pseudo-terminal that somebody else has made: raw, it leaves echo and editing to the far end. */
final class Terminal implements TimedStream {
    private static final Duration OPEN_TIMEOUT = Duration.ofSeconds(10);
    private static final long EXIT_SECONDS = 10;
    private static final int IS_OPEN = '!';

    private final Process process;

    private Terminal(Process process) {
        this.process = process;
    }

    /** Opens it; what the far end writes from now on is not lost. */
    static Terminal open(Path device) throws IOException {
        String script = "exec 3<>\"$0\" && stty raw -echo <&3 && printf ! && { cat <&3 & exec cat >&3; }";
        Terminal terminal = new Terminal(new ProcessBuilder("sh", "-c", script, device.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
        ByteBuffer sign = ByteBuffer.allocate(1);
        if (terminal.read(sign, Deadline.after(OPEN_TIMEOUT)) != 1 || sign.get(0) != IS_OPEN) {
            terminal.close();
            throw new AssertionError("cannot open the terminal: device=" + device);
        }
        return terminal;
    }

    @Override
    public int read(ByteBuffer target, Deadline deadline) throws IOException {
        InputStream in = process.getInputStream();
        if (!deadline.await(() -> in.available() > 0 || !process.isAlive())) {
            return 0;
        }
        byte[] bytes = new byte[Math.min(target.remaining(), Math.max(1, in.available()))];
        int count = in.read(bytes);
        target.put(bytes, 0, Math.max(0, count));
        return count;
    }

    /** Writes what is short enough for a pipe. */
    @Override
    public boolean write(ByteBuffer source, Deadline deadline) throws IOException {
        byte[] bytes = new byte[source.remaining()];
        source.get(bytes);
        process.getOutputStream().write(bytes);
        process.getOutputStream().flush();
        return true;
    }

    /** Lets go of the pseudo-terminal. */
    @Override
    public void close() throws IOException {
        for (ProcessHandle reader : process.descendants().toList()) {
            reader.destroy();
        }
        process.destroy();
        try {
            if (!process.waitFor(EXIT_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("terminal program does not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while closing a terminal", e);
        }
    }
}
